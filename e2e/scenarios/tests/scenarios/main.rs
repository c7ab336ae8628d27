//! Every scenario: what people and tenants do with the platform, on the testbed.
//!
//! `make scenario NAME=kafka` runs those with `kafka` in their names.

mod admission;
mod chart;
mod configuration;
mod crash;
mod credentials;
mod demo;
mod documents;
mod drift;
mod harness;
mod image;
mod isolation;
mod kafka;
mod leadership;
mod matrix;
mod object_store;
mod operator;
mod outage;
mod policies;
mod purge;
mod reinstall;
mod release;
mod restore;
mod scale;
mod sessions;
mod starrocks;
mod starrocks_stand_in;
mod tenant;
mod testbed;
mod usage;

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::run(harness::scenarios![
        admission::away::nothing_is_made_while_no_replica_answers_and_everything_else_goes_on,
        admission::away::what_stands_behind_the_webhook_holds_by_itself,
        admission::burst::of_three_hundred_at_once_exactly_a_hundred_are_made,
        admission::burst::a_rollout_loses_no_request,
        admission::certificate::a_certificate_is_renewed_and_no_request_is_lost,
        admission::command_line::the_command_line_says_what_the_platform_says,
        admission::limits::a_limit_counts_as_soon_as_it_is_set_and_takes_nothing_away,
        admission::limits::a_pipeline_larger_than_the_quota_is_not_deployed,
        admission::states::a_suspension_counts_for_the_very_next_request,
        admission::states::the_answer_names_the_tenants_state,
        admission::ways::the_hundred_and_first_is_refused_whichever_way_it_comes,
        chart::lint_finds_no_fault,
        chart::a_wrong_value_is_refused_with_its_name,
        chart::a_certificate_comes_from_cert_manager_where_an_issuer_is_named,
        chart::the_plain_yaml_is_what_the_chart_renders,
        chart::the_cluster_takes_the_plain_yaml_and_restricted_pods,
        configuration::what_is_wrong_is_named_in_the_log_and_the_working_replica_stays,
        configuration::an_unknown_key_is_named,
        configuration::a_wrong_password_is_tried_now_and_then_and_a_right_one_is_taken,
        crash::kills_during_provisioning_are_healed,
        crash::when_the_leader_is_killed_the_other_replica_goes_on,
        credentials::whenever_the_operator_dies_the_secrets_password_works_in_the_end,
        demo::it_proves_what_the_documents_show_and_survives_interruptions,
        documents::the_commands_of_the_readme_print_what_it_shows,
        documents::the_metrics_are_those_of_the_table,
        documents::the_makefile_has_what_the_readme_calls,
        drift::what_is_changed_by_hand_is_repaired_and_told,
        image::a_confined_pod_runs_it,
        image::the_same_files_make_the_same_image,
        image::the_containerfile_makes_it_too,
        isolation::nobody_reads_or_changes_what_is_anothers,
        kafka::nobody_reads_or_changes_what_is_anothers,
        kafka::drift::what_is_changed_by_hand_is_repaired_and_told,
        kafka::ownership::what_was_there_before_is_not_touched_until_it_is_adopted,
        leadership::a_leader_that_was_frozen_gives_up_what_it_was_about_to_do,
        leadership::a_leader_that_is_cut_off_stops_before_another_begins,
        leadership::a_leader_that_was_frozen_in_a_purge_takes_nothing_that_is_to_be_kept_since,
        matrix::no_tenant_reaches_more_than_it_may_in_any_plane,
        object_store::nobody_reads_or_changes_what_is_anothers,
        object_store::a_prefix_that_another_owns_is_not_touched,
        operator::it_reaches_nothing_but_the_tenants,
        operator::a_converged_tenant_costs_no_write,
        operator::another_clusters_tenants_are_left_alone_until_they_are_taken_over,
        operator::check_says_what_is_wrong_and_what_to_do,
        outage::while_postgresql_is_away_new_tenants_wait_for_the_registry,
        outage::while_the_object_store_is_away_the_other_planes_go_on,
        outage::while_kafka_is_away_the_other_planes_go_on,
        outage::while_starrocks_is_away_the_other_planes_go_on,
        outage::the_operator_starts_while_every_backend_but_the_registry_is_down,
        policies::what_a_tenant_may_make_depends_on_its_state,
        policies::a_tenant_that_is_still_being_made_makes_nothing,
        policies::a_tenant_is_not_deleted_by_mistake_and_then_nothing_is_lost,
        purge::a_purge_leaves_nothing_of_the_tenant_and_everything_of_others,
        purge::much::however_much_there_is_a_purge_needs_little_memory_and_tells_how_far_it_is,
        reinstall::nothing_is_lost_with_the_definitions_nor_with_the_release,
        release::tenants_live_through_upgrade_rollback_uninstall_and_installation,
        restore::what_was_archived_after_the_backup_stays_closed_and_everybody_else_goes_on,
        scale::two_hundred_tenants_at_once_become_active_and_then_cost_next_to_nothing,
        sessions::what_is_open_when_a_tenant_is_closed_is_closed_as_the_document_says,
        sessions::a_backend_that_is_down_delays_the_closing_of_no_other_plane,
        starrocks::nobody_reads_or_changes_what_is_anothers,
        starrocks::drift::what_is_changed_by_hand_is_repaired_and_told,
        starrocks::ownership::anothers_catalog_is_not_touched,
        starrocks::quota::the_group_follows_the_quota,
        starrocks_stand_in::only_the_right_password_lets_in,
        starrocks_stand_in::a_statement_that_isnt_known_is_refused_and_the_connection_lives_on,
        starrocks_stand_in::a_tenant_has_what_the_operator_grants_and_what_is_anothers_is_closed,
        starrocks_stand_in::rows_stay_in_their_tenants_catalog_and_outlive_a_restart,
        tenant::a_tenant_is_active_within_seconds_and_people_can_see_it,
        tenant::a_namespace_that_another_owns_is_not_touched,
        testbed::a_restricted_pod_reads_the_version_through_the_kubernetes_service,
        testbed::a_tokens_tenant_id_is_its_bearers_group,
        testbed::a_token_without_tenant_or_verified_address_is_its_subject_in_no_group,
        testbed::a_token_that_claims_what_it_must_not_is_refused,
        testbed::the_object_store_takes_the_operators_key_and_no_other,
        testbed::kafka_takes_the_operators_login_and_no_other,
        testbed::kafka_started_again_knows_the_operator_whichever_users_have_gone,
        usage::what_a_tenant_has_is_told_within_seconds_and_what_is_too_much_is_kept,
        usage::much::however_many_objects_there_are_they_are_measured_with_little_memory,
        usage::storage::beyond_its_limit_a_tenant_may_only_read_and_delete_until_it_has_room_again,
        usage::storage::every_version_counts_and_every_part_of_an_unfinished_upload,
    ])
}
