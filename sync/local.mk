# mailfrom-sync: libsync.a is all but main, so that tests link it.

noinst_LIBRARIES += libsync.a
libsync_a_SOURCES = \
	sync/account.c sync/account.h \
	sync/backoff.c sync/backoff.h \
	sync/batch.c sync/batch.h \
	sync/clock.c sync/clock.h \
	sync/health.c sync/health.h \
	sync/hook.c sync/hook.h \
	sync/listing.c sync/listing.h \
	sync/local_due.c sync/local_due.h \
	sync/local_job.c sync/local_job.h \
	sync/local_recall.c sync/local_recall.h \
	sync/local_requests.c sync/local_requests.h \
	sync/local_source.c sync/local_source.h \
	sync/local_state.c sync/local_state.h \
	sync/mx_lookup.c sync/mx_lookup.h \
	sync/orphan.c sync/orphan.h \
	sync/outage.c sync/outage.h \
	sync/pace.c sync/pace.h \
	sync/preflight.c sync/preflight.h \
	sync/requests.c sync/requests.h \
	sync/runner.c sync/runner.h \
	sync/schedule.c sync/schedule.h \
	sync/ses_source.c sync/ses_source.h \
	sync/shared_store.c sync/shared_store.h \
	sync/sighting.c sync/sighting.h \
	sync/table.c sync/table.h \
	sync/transition.c sync/transition.h \
	sync/trouble.c sync/trouble.h

SYNC_LIBS = libsync.a $(SES_LIBS) $(DNS_LIBS) $(COMMON_LIBS) -lpthread

sbin_PROGRAMS += mailfrom-sync
mailfrom_sync_SOURCES = sync/main.c
mailfrom_sync_LDADD = $(SYNC_LIBS)
