# One cmocka program for each module: test_NAME.c tests NAME.

EXTRA_DIST += tests/unit/.gitignore

if HAVE_CMOCKA
UNIT_TESTS =
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

UNIT_TESTS += tests/unit/test_sender
tests_unit_test_sender_LDADD = libmilterd.a $(CMOCKA_LIBS)

# mailfromctl
CTL_CALL = tests/unit/ctl_call.c tests/unit/ctl_call.h
UNIT_TESTS += tests/unit/test_attributes tests/unit/test_batch tests/unit/test_document \
	tests/unit/test_moment tests/unit/test_terminal
tests_unit_test_attributes_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_batch_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_document_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_moment_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_terminal_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_advice tests/unit/test_answer tests/unit/test_budget \
	tests/unit/test_section
tests_unit_test_budget_SOURCES = tests/unit/test_budget.c $(CTL_CALL)
tests_unit_test_budget_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_advice_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_answer_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_section_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_local_dns tests/unit/test_local_record
tests_unit_test_local_dns_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_local_record_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_rotation
tests_unit_test_rotation_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_memory
tests_unit_test_memory_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_completion
tests_unit_test_completion_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_command tests/unit/test_import
tests_unit_test_command_SOURCES = tests/unit/test_command.c $(CTL_CALL)
tests_unit_test_command_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_status
tests_unit_test_status_SOURCES = tests/unit/test_status.c $(CTL_CALL)
tests_unit_test_status_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_import_SOURCES = tests/unit/test_import.c $(CTL_CALL)
tests_unit_test_import_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

# mailfromctl check
DNS_TABLE = tests/unit/dns_table.c tests/unit/dns_table.h
UNIT_TESTS += tests/unit/test_address tests/unit/test_dmarc tests/unit/test_domain_list \
	tests/unit/test_finding tests/unit/test_map_client tests/unit/test_match_list \
	tests/unit/test_postfix tests/unit/test_restrictions tests/unit/test_sendmail \
	tests/unit/test_socket_name tests/unit/test_spf
tests_unit_test_domain_list_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_map_client_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_match_list_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_restrictions_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sendmail_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_address_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dmarc_SOURCES = tests/unit/test_dmarc.c $(DNS_TABLE)
tests_unit_test_dmarc_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_finding_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_postfix_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_socket_name_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_spf_SOURCES = tests/unit/test_spf.c $(DNS_TABLE)
tests_unit_test_spf_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

# common/, and what milter/ holds beside the From reader
UNIT_TESTS += tests/unit/test_store_key tests/unit/test_utf8
tests_unit_test_utf8_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_key_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_checksum tests/unit/test_return_pair tests/unit/test_store_returns
tests_unit_test_checksum_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_return_pair_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_returns_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_store_turn tests/unit/test_store_usage
tests_unit_test_store_turn_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_store_usage_LDADD = libctl.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_store_layout
tests_unit_test_store_layout_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_decision tests/unit/test_envelope tests/unit/test_failure \
	tests/unit/test_fault tests/unit/test_identity tests/unit/test_judgement \
	tests/unit/test_local_part tests/unit/test_log tests/unit/test_lookup \
	tests/unit/test_mail_from tests/unit/test_network tests/unit/test_reply \
	tests/unit/test_settings tests/unit/test_store tests/unit/test_word
UNIT_TESTS += tests/unit/test_help_text tests/unit/test_nearest
tests_unit_test_help_text_LDADD = libcommon.a $(CMOCKA_LIBS)
tests_unit_test_nearest_LDADD = libcommon.a $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_packet
tests_unit_test_packet_LDADD = libmilterd.a $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_front
tests_unit_test_front_SOURCES = tests/unit/test_front.c milter/front.c milter/peers.c
tests_unit_test_front_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_arrival tests/unit/test_live_settings tests/unit/test_message
tests_unit_test_arrival_LDADD = libmilterd.a $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_return_address tests/unit/test_return_map \
	tests/unit/test_return_path tests/unit/test_return_secrets
tests_unit_test_return_map_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_return_address_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_return_path_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_return_secrets_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_instance tests/unit/test_notify tests/unit/test_owner
tests_unit_test_instance_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_owner_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_listener tests/unit/test_socket tests/unit/test_socketmap \
	tests/unit/test_socketmap_server
tests_unit_test_listener_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_socketmap_server_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_socketmap_LDADD = libmilterd.a $(CMOCKA_LIBS)
tests_unit_test_socket_LDADD = libmilterd.a $(COMMON_LIBS) $(MILTER_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_notify_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS)
if SECCOMP
UNIT_TESTS += tests/unit/test_sandbox
tests_unit_test_sandbox_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
endif
EXTRA_DIST += tests/unit/test_sandbox.c
UNIT_TESTS += tests/unit/test_host_header tests/unit/test_listen_address tests/unit/test_log_limit \
	tests/unit/test_message_line tests/unit/test_metrics tests/unit/test_top
tests_unit_test_host_header_LDADD = libmilterd.a $(CMOCKA_LIBS)
tests_unit_test_top_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_log_limit_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_message_line_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_listen_address_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_metrics_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_decision_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_envelope_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_failure_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_fault_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_identity_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_judgement_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_local_part_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_log_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_lookup_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_mail_from_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_network_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_reply_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_settings_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_store_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_word_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_live_settings_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
# What is read of a message is counted.
tests_unit_test_message_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sender_choose
tests_unit_test_message_LDADD = libmilterd.a $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
endif
EXTRA_DIST += tests/unit/fault_handlers.h tests/unit/return_path_vectors.h tests/unit/scratch.h

# The From reader beside Python's; needs no cmocka.
check_PROGRAMS += tests/unit/sender_print
tests_unit_sender_print_LDADD = libmilterd.a
TESTS += tests/unit/test_sender_corpus
EXTRA_DIST += tests/unit/test_sender_corpus tests/unit/test_sender_corpus.txt \
	tests/unit/test_sender_corpus.differences

# The SES client.
if HAVE_CMOCKA
UNIT_TESTS += \
	tests/unit/test_api_v1 \
	tests/unit/test_api_v2 \
	tests/unit/test_credentials \
	tests/unit/test_endpoint \
	tests/unit/test_ini \
	tests/unit/test_sigv4
tests_unit_test_api_v1_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_api_v2_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_credentials_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_endpoint_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_ini_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sigv4_LDADD = $(SES_LIBS) $(CMOCKA_LIBS)
endif

# Our signatures and endpoints beside botocore's; needs no cmocka.
check_PROGRAMS += tests/unit/sigv4_print
tests_unit_sigv4_print_LDADD = $(SES_LIBS)
check_PROGRAMS += tests/unit/endpoint_print
tests_unit_endpoint_print_LDADD = $(SES_LIBS)
TESTS += tests/unit/test_sigv4_botocore tests/unit/test_endpoint_botocore
EXTRA_DIST += tests/unit/test_sigv4_botocore tests/unit/test_endpoint_botocore

# mailfrom-sync, and what it shares with mailfromctl
if HAVE_CMOCKA
UNIT_TESTS += tests/unit/test_duration tests/unit/test_settings_text tests/unit/test_source_state
tests_unit_test_duration_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_settings_text_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_source_state_LDADD = $(COMMON_LIBS) $(CMOCKA_LIBS) -lpthread
UNIT_TESTS += tests/unit/test_backoff tests/unit/test_pace tests/unit/test_schedule \
	tests/unit/test_transition
tests_unit_test_backoff_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
tests_unit_test_transition_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
tests_unit_test_pace_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
tests_unit_test_schedule_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_local_state tests/unit/test_outage
tests_unit_test_local_state_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
tests_unit_test_outage_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
endif

# Questions to the DNS
if HAVE_CMOCKA
UNIT_TESTS += tests/unit/test_allowance tests/unit/test_dns_message tests/unit/test_mx tests/unit/test_name \
	tests/unit/test_pool tests/unit/test_question tests/unit/test_resolv_conf \
	tests/unit/test_resolver tests/unit/test_server
tests_unit_test_allowance_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dns_message_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_mx_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_name_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_pool_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_question_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_resolv_conf_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_resolver_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_server_LDADD = $(DNS_LIBS) $(CMOCKA_LIBS)
endif

# The same programs under valgrind, in a build without sanitizers.
check-valgrind: $(UNIT_TESTS)
	$(srcdir)/tests/unit/under-valgrind $(UNIT_TESTS)
EXTRA_DIST += tests/unit/under-valgrind tests/valgrind.supp

.PHONY: check-valgrind
