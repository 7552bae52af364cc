# libses.a: the SES client. No program, no main; knows neither the store nor the settings.

noinst_LIBRARIES += libses.a
libses_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(EXPAT_CFLAGS) $(CJSON_CFLAGS)
libses_a_SOURCES = \
	ses/api_v1.c ses/api_v1.h \
	ses/api_v2.c ses/api_v2.h \
	ses/call.c ses/call.h \
	ses/client.c ses/client.h \
	ses/container.c ses/container.h \
	ses/credentials.c ses/credentials.h \
	ses/endpoint.c ses/endpoint.h \
	ses/environment.c ses/environment.h \
	ses/file.c ses/file.h \
	ses/http.c ses/http.h \
	ses/imds.c ses/imds.h \
	ses/ini.c ses/ini.h \
	ses/json.c ses/json.h \
	ses/keys.c ses/keys.h \
	ses/location.c ses/location.h \
	ses/outcome.c ses/outcome.h \
	ses/path.c ses/path.h \
	ses/process.c ses/process.h \
	ses/profile.c ses/profile.h \
	ses/provider.c ses/provider.h \
	ses/role.c ses/role.h \
	ses/secret.c ses/secret.h \
	ses/sigv4.c ses/sigv4.h \
	ses/sts.c ses/sts.h \
	ses/timestamp.c ses/timestamp.h \
	ses/xml.c ses/xml.h

SES_LIBS = libses.a libcommon.a $(IDN2_LIBS) -lunistring $(CURL_LIBS) $(CRYPTO_LIBS) $(EXPAT_LIBS) $(CJSON_LIBS)
