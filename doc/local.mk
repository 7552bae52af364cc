# The manual: pages, tutorials and what the next engineer wants to know. tests/lint/manual compares the pages with
# the programs; tests/integration/test_tutorials.py runs the tutorials.

dist_man_MANS = \
	doc/mailfrom-milter.8 \
	doc/mailfrom-milter.conf.5 \
	doc/mailfrom-sync.8 \
	doc/mailfromctl.8

dist_doc_DATA += \
	doc/architecture.md \
	doc/container.md \
	doc/local.md \
	doc/postfix.md \
	doc/sendmail.md \
	doc/ses.md \
	doc/systemd.md \
	doc/trouble-shooting.md
