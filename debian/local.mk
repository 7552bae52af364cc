# The package for Debian. It is built from the tarball; `make check-package` does that.

EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/local.mk \
	debian/mailfrom-milter.README.Debian \
	debian/mailfrom-milter.lintian-overrides \
	debian/mailfrom-milter.postinst \
	debian/mailfrom-milter.postrm \
	debian/rules \
	debian/source/format \
	debian/source/lintian-overrides \
	debian/upstream/metadata
