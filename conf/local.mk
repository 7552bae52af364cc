# What is installed beside the programs. The sample is what `mailfromctl settings --sample` prints; a lint
# test compares them.

dist_doc_DATA = README.md CHANGELOG.md LICENSE conf/mailfrom-milter.conf \
	conf/iam-policy-daemon.json conf/iam-policy-administrator.json \
	conf/grafana-dashboard.json conf/alerts.yml

# For Sendmail, which includes it in sendmail.mc.
dist_pkgdata_DATA = conf/return-path.m4

# For an upgrade.
dist_pkgdata_SCRIPTS = conf/close-store

# Completion of mailfromctl.
dist_zshcompletion_DATA = conf/completion/zsh/_mailfromctl
dist_bashcompletion_DATA = conf/completion/bash/mailfromctl

# For systemd; an empty directory means that they are not wanted.
CONF_SYSTEMD = conf/mailfrom-milter.service conf/mailfrom-sync.service \
	conf/mailfrom-milter.sysusers conf/mailfrom-milter.tmpfiles
EXTRA_DIST += conf/mailfrom-milter.service.in conf/mailfrom-sync.service.in \
	conf/mailfrom-milter.sysusers.in conf/mailfrom-milter.tmpfiles.in
# For the packages.
EXTRA_DIST += conf/packaged
noinst_DATA = $(CONF_SYSTEMD)
CLEANFILES += $(CONF_SYSTEMD)

# By make, not by configure: there, a path is still in terms of ${prefix}.
$(CONF_SYSTEMD): Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && sed -e 's|@sbindir[@]|$(sbindir)|g' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@localstatedir[@]|$(localstatedir)|g' \
	    -e 's|@docdir[@]|$(docdir)|g' '$(srcdir)/$@.in' >'$@.new' && mv '$@.new' '$@'
conf/mailfrom-milter.service: conf/mailfrom-milter.service.in
conf/mailfrom-sync.service: conf/mailfrom-sync.service.in
conf/mailfrom-milter.sysusers: conf/mailfrom-milter.sysusers.in
conf/mailfrom-milter.tmpfiles: conf/mailfrom-milter.tmpfiles.in

install-data-local: $(CONF_SYSTEMD)
	@test -z '$(systemdsystemunitdir)' || { \
	    $(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)' && \
	    $(INSTALL_DATA) conf/mailfrom-milter.service conf/mailfrom-sync.service \
	        '$(DESTDIR)$(systemdsystemunitdir)'; }
	@test -z '$(sysusersdir)' || { \
	    $(MKDIR_P) '$(DESTDIR)$(sysusersdir)' && \
	    $(INSTALL_DATA) conf/mailfrom-milter.sysusers \
	        '$(DESTDIR)$(sysusersdir)/mailfrom-milter.conf'; }
	@test -z '$(tmpfilesdir)' || { \
	    $(MKDIR_P) '$(DESTDIR)$(tmpfilesdir)' && \
	    $(INSTALL_DATA) conf/mailfrom-milter.tmpfiles \
	        '$(DESTDIR)$(tmpfilesdir)/mailfrom-milter.conf'; }

uninstall-local:
	@test -z '$(systemdsystemunitdir)' || \
	    rm -f '$(DESTDIR)$(systemdsystemunitdir)/mailfrom-milter.service' \
	        '$(DESTDIR)$(systemdsystemunitdir)/mailfrom-sync.service'
	@test -z '$(sysusersdir)' || rm -f '$(DESTDIR)$(sysusersdir)/mailfrom-milter.conf'
	@test -z '$(tmpfilesdir)' || rm -f '$(DESTDIR)$(tmpfilesdir)/mailfrom-milter.conf'

# The administrator's settings are never written over.
install-data-hook:
	@$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	@test -e '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' || \
	    $(INSTALL_DATA) '$(srcdir)/conf/mailfrom-milter.conf' \
	        '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf'

uninstall-hook:
	@cmp -s '$(srcdir)/conf/mailfrom-milter.conf' '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' && \
	    rm -f '$(DESTDIR)$(sysconfdir)/mailfrom-milter.conf' || true
