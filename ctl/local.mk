# mailfromctl: main and one file for each command. libctl.a is all but main, so that tests and
# fuzzers link it.

noinst_LIBRARIES += libctl.a
libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
libctl_a_SOURCES = \
	ctl/account.c ctl/account.h \
	ctl/address.c ctl/address.h \
	ctl/adopt.c \
	ctl/advice.c ctl/advice.h \
	ctl/answer.c ctl/answer.h \
	ctl/attributes.c ctl/attributes.h \
	ctl/attributes_out.c ctl/attributes_out.h \
	ctl/aws_option.c ctl/aws_option.h \
	ctl/batch.c ctl/batch.h \
	ctl/budget.c ctl/budget.h \
	ctl/change.c ctl/change.h \
	ctl/check.c ctl/check.h \
	ctl/check_bounces.c \
	ctl/check_default.c \
	ctl/check_dmarc.c \
	ctl/check_filter.c ctl/check_filter.h \
	ctl/check_identity.c \
	ctl/check_listener.c ctl/check_listener.h \
	ctl/check_mx.c \
	ctl/check_postfix.c \
	ctl/check_relay.c \
	ctl/check_return.h \
	ctl/check_return_domains.c \
	ctl/check_return_map.c \
	ctl/check_return_path.c \
	ctl/check_return_postfix.c \
	ctl/check_return_sendmail.c \
	ctl/check_return_smtpd.c \
	ctl/check_sendmail.c \
	ctl/check_socket.c \
	ctl/check_spf.c \
	ctl/check_store.c \
	ctl/command.c ctl/command.h \
	ctl/compact.c \
	ctl/completion.c ctl/completion.h \
	ctl/connection.c ctl/connection.h \
	ctl/deadline.c ctl/deadline.h \
	ctl/dmarc.c ctl/dmarc.h \
	ctl/dmarc_record.c ctl/dmarc_record.h \
	ctl/document.c ctl/document.h \
	ctl/domain_list.c ctl/domain_list.h \
	ctl/errand.c ctl/errand.h \
	ctl/explain.c \
	ctl/export.c \
	ctl/fetch.c ctl/fetch.h \
	ctl/filter_way.c ctl/filter_way.h \
	ctl/finding.c ctl/finding.h \
	ctl/get.c \
	ctl/identities.c ctl/identities.h \
	ctl/identity.c \
	ctl/import.c \
	ctl/inquiry.c ctl/inquiry.h \
	ctl/json_out.c ctl/json_out.h \
	ctl/list.c ctl/list.h \
	ctl/list_domains.c \
	ctl/listener.c ctl/listener.h \
	ctl/local_dns.c ctl/local_dns.h \
	ctl/local_errand.c ctl/local_errand.h \
	ctl/local_record.c ctl/local_record.h \
	ctl/map_client.c ctl/map_client.h \
	ctl/match_list.c ctl/match_list.h \
	ctl/near_miss.c ctl/near_miss.h \
	ctl/permission.c ctl/permission.h \
	ctl/postconf.c ctl/postconf.h \
	ctl/postfix.c ctl/postfix.h \
	ctl/postfix_class.c ctl/postfix_class.h \
	ctl/progress.c ctl/progress.h \
	ctl/put.c ctl/put.h \
	ctl/put_file.c \
	ctl/put_local.c \
	ctl/put_ses.c \
	ctl/records.c \
	ctl/refresh.c \
	ctl/remove.c \
	ctl/return_path.c ctl/return_path.h \
	ctl/return_path_decode.c \
	ctl/return_path_encode.c \
	ctl/return_path_key.c \
	ctl/return_view.c ctl/return_view.h \
	ctl/rotation.c ctl/rotation.h \
	ctl/secrets_file.c ctl/secrets_file.h \
	ctl/restrictions.c ctl/restrictions.h \
	ctl/return_lead.c ctl/return_lead.h \
	ctl/section.c ctl/section.h \
	ctl/selection.c ctl/selection.h \
	ctl/sendmail.c ctl/sendmail.h \
	ctl/sendmail_filter.c ctl/sendmail_filter.h \
	ctl/settings.c \
	ctl/socket_name.c ctl/socket_name.h \
	ctl/source.c ctl/source.h \
	ctl/source_out.c ctl/source_out.h \
	ctl/spf.c ctl/spf.h \
	ctl/spf_macro.c ctl/spf_macro.h \
	ctl/spf_match.c ctl/spf_match.h \
	ctl/spf_term.c ctl/spf_term.h \
	ctl/stats.c \
	ctl/status.c \
	ctl/store_care.c ctl/store_care.h \
	ctl/terminal.c ctl/terminal.h

CTL_LIBS = libctl.a $(DNS_LIBS) $(SES_LIBS) $(COMMON_LIBS)

bin_PROGRAMS += mailfromctl
mailfromctl_SOURCES = ctl/main.c
mailfromctl_LDADD = $(CTL_LIBS)
