# What is installed beside the programs. The sample is what `mailfromctl settings --sample` prints; a lint
# test compares them.

dist_doc_DATA = README.md CHANGELOG.md LICENSE conf/mailfrom-milter.conf doc/architecture.md \
	conf/iam-policy-daemon.json conf/iam-policy-administrator.json \
	conf/grafana-dashboard.json conf/alerts.yml

# The administrator's settings are never written over.
install-data-hook:
	@$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	@test -e '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' || \
	    $(INSTALL_DATA) '$(srcdir)/conf/mailfrom-milter.conf' \
	        '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf'

uninstall-hook:
	@cmp -s '$(srcdir)/conf/mailfrom-milter.conf' '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' && \
	    rm -f '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' || true
