# The packages, from the tarball: built, checked, and installed, upgraded and purged on a bare Debian 12. As root, and it
# fetches packages; not part of `make check`.

check-package: dist
	$(srcdir)/tests/package/run $(distdir).tar.gz

# The same build on a bare Debian 13. It takes long, so that ./quickstart test leaves it out.
check-package-13: dist
	$(srcdir)/tests/package/debian-13 $(distdir).tar.gz

EXTRA_DIST += \
	tests/package/boot \
	tests/package/debian-13 \
	tests/package/life \
	tests/package/machine.py \
	tests/package/run \
	tests/package/tutorials

.PHONY: check-package check-package-13
