//! The catalogue of faults: what may go wrong, and the test that shows what happens then.
//!
//! A test in this module fails when a row names a test that is not there. Faults of sign-in (tokens
//! that expire, are refused, are asked for by a thousand tasks, are stored: rows 17 to 23 and 47)
//! are in `client::auth`.
//!
//! | row | fault | test |
//! |---|---|---|
//! | 1 | 429 with seconds | `client/delivery.rs: a_throttled_request_waits_exactly_as_told_and_is_sent_again` |
//! | 2 | 429 with a date, clocks that differ, damaged headers | `odata/headers.rs: retry_after_is_seconds_or_a_date` |
//! | 3 | 429 without a wait | `client/faults/answers.rs: a_refusal_without_a_wait_is_waited_for_by_chance` |
//! | 4 | 429 for requests or time: fifty tasks | `client/throttle.rs: one_refusal_pauses_every_clone_for_exactly_as_long_as_the_service_says` |
//! | 5 | 429 for too many at once | `client/throttle.rs: too_many_at_once_halve_the_window_and_wait_shortly` |
//! | 6 | codes in decimal, in capitals, no body, a web page | `client/faults/answers.rs: throttled_is_told_by_the_status_whatever_the_body_is` |
//! | 7 | 429 for longer than the call may take | `client/throttle.rs: a_call_that_may_not_wait_for_the_pause_is_throttled_without_being_sent` |
//! | 8 | 502, 503, 504 and lost answers, before and after the write | `conformance.rs: ten_thousand_creates_lose_and_double_nothing`, `client/faults/plans.rs: every_plan_of_faults_ends_in_a_ledger_without_a_lost_or_doubled_row` |
//! | 9 | 500 of a plug-in, of the database, of nobody | `client/faults/answers.rs: a_failure_of_the_service_is_asked_once_more_where_that_is_harmless` |
//! | 10 | connection refused, name not found | `client/faults/sockets.rs: without_a_connection_everything_is_tried_again` |
//! | 11 | accepted, read, closed or reset, silent | `client/faults/sockets.rs: a_create_over_every_kind_of_broken_line_makes_one_row`, `client/deadline.rs: an_attempt_that_takes_too_long_is_in_doubt_and_made_again` |
//! | 12 | a pooled connection died while idle | `client/faults/sockets.rs: a_connection_that_died_while_idle_is_not_noticed` |
//! | 13 | GOAWAY, REFUSED_STREAM | exception: the client is built without HTTP/2, so there are no such frames |
//! | 14 | a body that is cut: by length, chunk, close, in gzip, in multipart, in JSON | `client/faults/sockets.rs: a_cut_body_is_never_an_answer`, `client/wire.rs: a_cut_answer_is_an_error_and_never_a_panic`, `odata/multipart.rs: every_truncation_is_an_error_and_never_a_panic`, `client/refused_parts.rs: a_cut_answer_leaves_the_outcome_of_writes_unknown` |
//! | 15 | 200 with an error, a web page or nothing | `client/faults/answers.rs: a_success_that_is_none_is_an_error` |
//! | 16 | no id in the answer to a create, or an alternate key | `client/faults/answers.rs: a_create_knows_its_id_whatever_the_answer_names` |
//! | 24 | a batch that stopped | `client/faults/parts.rs: every_prefix_of_answers_tells_what_was_not_run` |
//! | 25 | a batch that goes on | `client/faults/parts.rs: with_continue_on_error_every_part_answers_for_itself` |
//! | 26 | a change set that failed | `client/batch.rs: a_failed_change_set_undoes_all_its_members`, `emulator/batch.rs: a_change_set_is_kept_whole_or_not_at_all` |
//! | 27 | 429 for a batch, for a part | `client/refused_parts.rs: what_was_refused_is_sent_once_more_without_what_was_done`, `client/refused_parts.rs: a_batch_that_was_refused_as_a_whole_is_sent_again` |
//! | 28 | more than 1,000 operations | `client/bulk.rs: a_large_batch_is_sent_in_parts`, `client/batch.rs: what_cannot_be_a_batch_is_refused` |
//! | 29 | damaged multipart | `client/faults/parts.rs: damaged_parts_are_an_error_and_never_a_panic` |
//! | 30 | a delta token that expired, a table without tracking | `client/changes.rs: an_expired_token_is_an_error_or_a_new_start`, `client/changes.rs: a_table_without_tracking_is_told` |
//! | 31 | changes that fail half-way | `client/changes.rs: there_is_no_token_before_the_last_change_was_taken` |
//! | 32 | next links in a circle | `client/paging.rs: a_link_that_comes_back_ends_the_stream_with_an_error`, `client/faults/answers.rs: a_circle_of_two_links_ends` |
//! | 33 | empty pages for ever | `client/faults/answers.rs: empty_pages_end` |
//! | 34 | links to other hosts | `client/base.rs: links_stay_on_the_org`, `client/security.rs: a_next_link_to_another_host_is_refused_and_the_token_not_sent`, `client/faults/attacks.rs: no_link_of_an_answer_takes_the_token_elsewhere` |
//! | 35 | next links of related rows | `client/derived.rs: a_collection_that_did_not_come_whole_is_an_error` |
//! | 36 | redirects | `client/transport.rs: a_redirect_is_not_followed`, `client/faults/answers.rs: a_redirect_is_told` |
//! | 37 | a bomb of gzip | `client/faults/sockets.rs: an_answer_is_only_so_large_after_decompression` |
//! | 38 | hostile JSON | `fuzz/rows.rs: any_bytes_are_read_or_refused`, `fuzz/rows.rs: a_changed_page_is_read_or_refused`, `value/json.rs: hostile_depth_is_an_error` |
//! | 39 | hostile CSDL | `fuzz/csdl.rs: any_bytes_are_refused_with_their_place`, `codegen/bad_input.rs: deep_nesting_and_huge_attributes_are_read_past`, `codegen/bad_input.rs: entities_are_never_expanded`, `codegen/bad_input.rs: a_circle_of_bases_ends` |
//! | 40 | text that would leave an OData literal | `fuzz/names.rs: a_text_in_a_filter_stays_one_literal` |
//! | 41 | text that would leave a FetchXML value | `fuzz/fetchxml.rs: values_cannot_leave_their_place` |
//! | 42 | text that would leave a header | `odata/options.rs: headers_of_the_client_are_its_own`, `client/files/requests.rs: an_ascii_name_is_a_header_and_any_other_a_parameter` |
//! | 43 | names that would leave the path | `client/faults/attacks.rs: names_cannot_leave_the_path` |
//! | 44 | an org without https | `client/base.rs: an_org_is_https_or_loopback_and_nothing_more` |
//! | 45 | secrets in what is printed | `client/security.rs: nothing_printed_holds_a_token_or_a_row`, `client/files/requests.rs: debug_shows_no_content_and_no_token` |
//! | 46 | answers that are quoted in errors | `client/faults/answers.rs: what_is_no_error_of_the_service_is_quoted_shortly` |
//! | 48 | a clock that is set back | `http/limiter.rs: a_clock_that_is_set_back_does_not_lengthen_a_pause` |
//! | 49 | a future that is dropped | `client/deadline.rs: a_refused_call_waits_without_a_place_and_a_dropped_one_frees_it`, `client/faults/plans.rs: a_write_that_is_dropped_anywhere_leaves_nothing_behind` |
//! | 50 | a panic in code of the program | `client/faults/plans.rs: a_panic_of_the_program_spoils_nothing_for_others` |
//! | 51 | waits beyond the deadline, timers that stay | `client/deadline.rs: the_deadline_ends_a_call_whatever_it_waits_for`, `client/deadline.rs: a_call_that_is_dropped_during_a_pause_leaves_nothing_behind` |
//! | 52 | 412 after one's own write | `client/delivery.rs: an_update_is_repeated_but_not_one_with_a_version`, `client/conflict.rs: a_lost_write_is_not_begun_again` |
//! | 53 | duplicate detection, 412 or 500 | `client/faults/answers.rs: detected_duplicates_are_told_and_not_repeated` |
//! | 54 | 503 while definitions are locked | `client/faults/answers.rs: a_locked_definition_is_not_written_twice` |
//! | 55 | a proxy answers | `client/faults/answers.rs: what_stands_before_the_service_is_told_apart` |
//! | 56 | IPv6 that leads nowhere, a name that moves | exception: needs names that resolve to several hosts; connections that were idle for 50 s are made anew |

mod answers;
mod attacks;
mod parts;
mod plans;
mod sockets;

use std::path::Path;

/// What the tables of these files say: row, and what stands in its last column.
fn table(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("//! |")?.split('|').collect();
        let row = cells.first()?.trim();
        let is_row = row.trim_start_matches('X').parse::<u32>().is_ok();
        is_row.then(|| (row.to_owned(), cells[cells.len() - 2].trim().to_owned()))
    });
    rows.collect()
}

/// Asserts that each row names a test that exists, or a reason.
fn check(text: &str, expected: &[String]) {
    let table = table(text);
    let rows: Vec<_> = table.iter().map(|(row, _)| row.clone()).collect();
    assert_eq!(rows, expected);
    for (row, tests) in table {
        if tests.starts_with("exception: ") {
            continue;
        }
        let named: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "row {row} names no test");
        for test in named {
            let (file, name) = test.split_once(": ").unwrap();
            let base = Path::new(env!("CARGO_MANIFEST_DIR"));
            let places = [
                "it",
                "../dataverse-client/src",
                "../dataverse-derive/tests",
                "..",
            ];
            let text = places
                .iter()
                .find_map(|place| std::fs::read_to_string(base.join(place).join(file)).ok())
                .unwrap_or_else(|| panic!("row {row}: no file {file}"));
            assert!(
                text.contains(&format!("fn {name}(")),
                "row {row}: {file} has no test {name}"
            );
        }
    }
}

#[test]
fn every_fault_has_a_test_or_a_reason() {
    let rows = (1..=16).chain(24..=46).chain(48..=56);
    let rows: Vec<_> = rows.map(|row| row.to_string()).collect();
    check(include_str!("mod.rs"), &rows);
}
