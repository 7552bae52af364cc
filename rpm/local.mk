# The package for Fedora and EPEL, built from the tarball: rpmbuild -ta mailfrom-milter-VERSION.tar.gz

EXTRA_DIST += rpm/mailfrom-milter.spec
