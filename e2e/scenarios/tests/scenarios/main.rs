//! Every scenario: what people and tenants do with the platform, on the testbed.
//!
//! `make scenario NAME=kafka` runs those with `kafka` in their names.

mod access_matrix;
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
mod much;
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

use harness::{Groups, scenarios};

fn main() -> ExitCode {
    harness::run(Groups {
        // Each uses tenant names of its own and compares only its own objects. The longest
        // come first.
        side_by_side: scenarios![
            matrix::tenant_access_equals_the_matrix_in_every_plane,
            admission::states::suspension_applies_to_the_next_request,
            object_store::tenant_accesses_its_own_objects_only,
            starrocks::drift::manual_change_is_repaired_and_reported,
            kafka::drift::manual_change_is_repaired_and_reported,
            admission::command_line::cli_reports_the_platforms_rejection,
            admission::limits::changed_limit_applies_at_once_and_deletes_nothing,
            admission::limits::pipeline_above_the_quota_is_rejected,
            admission::states::rejection_names_the_tenants_state,
            admission::ways::object_beyond_the_limit_is_rejected_for_every_client,
            chart::chart_passes_lint,
            chart::invalid_value_is_rejected_with_its_name,
            chart::configured_issuer_renders_cert_manager_certificate,
            chart::plain_yaml_equals_the_rendered_chart,
            chart::plain_yaml_and_restricted_pods_are_accepted,
            documents::metrics_equal_the_documented_table,
            documents::makefile_has_the_readmes_targets,
            drift::manual_change_is_repaired_and_reported,
            image::restricted_pod_runs_the_image,
            image::equal_files_give_an_equal_digest,
            image::containerfile_matches_the_image,
            kafka::ownership::existing_topics_are_untouched_until_adopted,
            object_store::foreign_prefix_is_untouched,
            operator::operator_reaches_tenants_only,
            starrocks::ownership::foreign_catalog_is_untouched,
            starrocks::quota::resource_group_follows_the_quota,
            starrocks_stand_in::login_requires_the_correct_password,
            starrocks_stand_in::unknown_statement_is_rejected_and_connection_stays_open,
            starrocks_stand_in::tenant_has_granted_privileges_only,
            tenant::new_tenant_is_active_within_seconds_and_visible,
            tenant::foreign_namespace_is_untouched,
            testbed::restricted_pod_reaches_the_kubernetes_service,
            testbed::tokens_tenant_id_becomes_a_group,
            testbed::token_without_tenant_or_email_gives_subject_without_group,
            testbed::token_with_reserved_claims_is_rejected,
            testbed::object_store_accepts_the_operators_key_only,
            testbed::kafka_accepts_the_operators_login_only,
        ],
        // Each compares objects of all tenants, or changes and restores something shared.
        in_turn: scenarios![
            kafka::tenant_accesses_its_own_topics_only,
            starrocks::tenant_accesses_its_own_catalog_only,
            admission::away::quota_and_policies_hold_without_the_webhook,
            policies::permitted_creations_depend_on_the_tenants_state,
            policies::provisioning_tenant_creates_nothing,
            sessions::open_sessions_end_as_documented_when_a_tenant_is_closed,
        ],
        alone: scenarios![
            admission::away::webhook_down_blocks_creations_only,
            admission::burst::concurrent_creations_stop_exactly_at_the_limit,
            admission::burst::rollout_loses_no_admission_request,
            admission::certificate::certificate_renewal_loses_no_request,
            configuration::invalid_configuration_is_logged_and_old_replica_stays,
            configuration::unknown_key_is_named_in_the_log,
            configuration::wrong_password_is_retried_until_it_is_corrected,
            crash::provisioning_completes_after_kills,
            crash::killed_leader_is_replaced_by_the_other_replica,
            credentials::secrets_password_works_after_a_crash_at_any_step,
            demo::demo_prints_the_documented_proof_after_interruptions,
            documents::readme_commands_print_the_shown_output,
            isolation::login_reads_and_writes_permitted_rows_only,
            leadership::thawed_leader_abandons_its_pending_steps,
            leadership::isolated_leader_stops_before_its_successor_starts,
            leadership::thawed_leader_continues_no_revoked_purge,
            much::measurement::many_objects_are_measured_with_little_memory,
            much::purge::large_purge_needs_little_memory_and_reports_progress,
            operator::converged_tenant_causes_no_write,
            operator::foreign_clusters_tenants_are_untouched_until_takeover,
            operator::check_names_the_problem_and_its_remedy,
            outage::postgres_outage_delays_new_tenants_until_its_end,
            outage::object_store_outage_leaves_other_planes_working,
            outage::kafka_outage_leaves_other_planes_working,
            outage::starrocks_outage_leaves_other_planes_working,
            outage::operator_starts_with_only_the_registry_available,
            policies::unconfirmed_deletion_is_rejected_and_loses_no_data,
            purge::purge_deletes_all_of_one_tenant_and_nothing_else,
            reinstall::deleted_crds_and_release_lose_no_data,
            release::tenants_survive_upgrade_rollback_and_reinstallation,
            restore::restored_backup_reopens_no_archived_tenant,
            scale::two_hundred_tenants_converge_and_then_idle_cheaply,
            sessions::backend_outage_delays_closing_of_no_other_plane,
            starrocks_stand_in::rows_stay_in_their_catalog_and_survive_a_restart,
            testbed::restarted_kafka_knows_the_operator_after_user_deletions,
            usage::usage_is_reported_within_seconds_and_excess_is_kept,
            usage::storage::tenant_over_its_storage_limit_can_only_read_and_delete,
            usage::storage::usage_counts_all_versions_and_unfinished_uploads,
        ],
    })
}
