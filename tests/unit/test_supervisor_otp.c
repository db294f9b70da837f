/* SPDX-License-Identifier: Apache-2.0 */
/* What OTP's supervisor does, rule by rule: see tests/support/sup_script.h. */
#include "tests/support/suite.h"
#include "tests/support/sup_script.h"

static const fl_child abc[] = {{KID("a")}, {KID("b")}, {KID("c")}, {0}};
static const fl_child transients[] = {
	{KID("a"), .restart = FL_TRANSIENT}, {KID("b"), .restart = FL_TRANSIENT}, {0}};
static const fl_child temporaries[] = {
	{KID("a"), .restart = FL_TEMPORARY}, {KID("b"), .restart = FL_TEMPORARY}, {0}};
static const fl_child mixed[] = {{KID("a")}, {KID("t"), .restart = FL_TEMPORARY}, {KID("c")}, {0}};
static const fl_child one_only[] = {{KID("a")}, {0}};
static const fl_child same_id[] = {{KID("a")}, {KID("a")}, {0}};
static const fl_child significant[] = {{KID("p")},
	{KID("a"), .restart = FL_TRANSIENT, .significant = true},
	{KID("b"), .restart = FL_TRANSIENT, .significant = true}, {0}};
static const fl_child significant_permanent[] = {{KID("a"), .significant = true}, {0}};
static const fl_child brutal[] = {{KID("a"), .shutdown_ms = FL_BRUTAL_KILL}, {0}};
static const fl_child patient[] = {{KID("a"), .shutdown_ms = FL_INFINITY}, {0}};
static const fl_child quick[] = {
	{KID("a"), .shutdown_ms = 100}, {KID("b"), .shutdown_ms = 200}, {0}};
static const fl_child transient_one[] = {{KID("a"), .restart = FL_TRANSIENT}, {KID("b")}, {0}};
static const fl_child plains[] = {{PLAIN("a")}, {PLAIN("b")}, {0}};

TREE(one_for_one, abc, .strategy = FL_ONE_FOR_ONE, .intensity = 10);
TREE(one_for_all, abc, .strategy = FL_ONE_FOR_ALL, .intensity = 10);
TREE(rest_for_one, abc, .strategy = FL_REST_FOR_ONE, .intensity = 10);
TREE(all_transient, transients, .intensity = 10);
TREE(all_temporary, temporaries, .intensity = 10);
TREE(mixed_all, mixed, .strategy = FL_ONE_FOR_ALL, .intensity = 10);
TREE(defaults, one_only, .strategy = FL_ONE_FOR_ONE);
TREE(three_in_five, one_only, .intensity = 3, .period_s = 5);
TREE(none_at_all, one_only, .intensity = FL_NO_RESTARTS);
TREE(twice, same_id, .intensity = 1);
TREE(any, significant, .auto_shutdown = FL_ANY_SIGNIFICANT, .intensity = 10);
TREE(all, significant, .auto_shutdown = FL_ALL_SIGNIFICANT, .intensity = 10);
TREE(never, significant, .intensity = 10);
TREE(significant_and_permanent, significant_permanent, .auto_shutdown = FL_ANY_SIGNIFICANT);
TREE(brutally, brutal, .intensity = 10);
TREE(patiently, patient, .intensity = 10);
TREE(quickly, quick, .intensity = 10);
TREE(transient_all, transient_one, .strategy = FL_ONE_FOR_ALL, .intensity = 10);
TREE(plain_ones, plains, .intensity = 10);
TREE(empty, NULL, .offers = (const fl_behaviour *const[]){&kid, &plain, NULL});

static const fl_child inner_only[] = {{&one_for_all, .id = "inner"}, {KID("z")}, {0}};
TREE(nested, inner_only, .intensity = 10);
static const fl_child inner_strict[] = {{&none_at_all, .id = "inner"}, {0}};
TREE(escalating, inner_strict, .intensity = 1);

#define NEW_WORKER(id)                                                                             \
	"#{id => " id ", start => {gen_server, start_link, [{local, " id "}, kid, " id ", []]}"

/* X(name of the rule, supervisor, script, transcript) */
#define CASES(X)                                                                                   \
	X(children_start_in_order, &one_for_one, "", "+a +b +c")                                   \
	X(empty_supervisor_runs, &empty, "ask which_children; ask count_children",                 \
		"=[] =[{specs,0},{active,0},{supervisors,0},{workers,0}]")                         \
	X(parents_exit_ends_children_last_started_first, &one_for_one, "parent shutdown",          \
		"+a +b +c -c:shutdown -b:shutdown -a:shutdown ^shutdown")                          \
	X(parents_exit_gives_its_reason, &defaults, "parent {bad, 1}", "+a -a:shutdown ^{bad,1}")  \
	X(parents_normal_exit_ends_it_too, &defaults, "parent normal", "+a -a:shutdown ^normal")   \
	X(sys_terminate_ends_in_order, &one_for_one, "system {terminate, enough}",                 \
		"+a +b +c =ok -c:shutdown -b:shutdown -a:shutdown ^enough")                        \
	X(kill_takes_children_by_links, &plain_ones, "kill sup; ended a; ended b",                 \
		"+a +b ^killed gone:a gone:b")                                                     \
	X(one_for_one_starts_the_one, &one_for_one, "tell b crash", "+a +b +c -b:boom +b")         \
	X(one_for_all_ends_the_others_and_starts_all, &one_for_all, "tell b crash",                \
		"+a +b +c -b:boom -c:shutdown -a:shutdown +a +b +c")                               \
	X(rest_for_one_ends_and_starts_the_later_ones, &rest_for_one, "tell b crash",              \
		"+a +b +c -b:boom -c:shutdown +b +c")                                              \
	X(rest_for_one_of_the_first_is_all, &rest_for_one, "tell a crash",                         \
		"+a +b +c -a:boom -c:shutdown -b:shutdown +a +b +c")                               \
	X(rest_for_one_of_the_last_is_one, &rest_for_one, "tell c crash", "+a +b +c -c:boom +c")   \
	X(permanent_is_restarted_after_normal, &one_for_one, "tell a {stop, normal}",              \
		"+a +b +c -a:normal +a")                                                           \
	X(permanent_is_restarted_after_shutdown, &one_for_one, "tell a {stop, shutdown}",          \
		"+a +b +c -a:shutdown +a")                                                         \
	X(transient_is_restarted_after_a_crash, &all_transient, "tell a crash",                    \
		"+a +b -a:boom +a")                                                                \
	X(transient_is_not_restarted_after_normal, &all_transient,                                 \
		"tell a {stop, normal}; ask count_children",                                       \
		"+a +b -a:normal =[{specs,2},{active,1},{supervisors,0},{workers,2}]")             \
	X(transient_is_not_restarted_after_shutdown, &all_transient, "tell a {stop, shutdown}",    \
		"+a +b -a:shutdown")                                                               \
	X(transient_is_not_restarted_after_shutdown_with_a_term, &all_transient,                   \
		"tell a {stop, {shutdown, x}}; ask which_children",                                \
		"+a +b -a:{shutdown,x} "                                                           \
		"=[{b,<b>,worker,[kid]},{a,undefined,worker,[kid]}]")                              \
	X(transient_ended_well_is_started_by_restart_child, &all_transient,                        \
		"tell a {stop, normal}; ask {restart_child, a}", "+a +b -a:normal +a ={ok,<a>}")   \
	X(temporary_is_never_restarted, &all_temporary, "tell a crash; ask which_children",        \
		"+a +b -a:boom =[{b,<b>,worker,[kid]}]")                                           \
	X(temporary_is_forgotten_after_normal, &all_temporary,                                     \
		"tell a {stop, normal}; ask {restart_child, a}",                                   \
		"+a +b -a:normal ={error,not_found}")                                              \
	X(one_for_all_forgets_temporaries, &mixed_all, "tell c crash; ask which_children",         \
		"+a +t +c -c:boom -t:shutdown -a:shutdown +a +c "                                  \
		"=[{c,<c>,worker,[kid]},{a,<a>,worker,[kid]}]")                                    \
	X(one_for_all_starts_those_that_were_down, &transient_all,                                 \
		"tell a {stop, normal}; tell b crash", "+a +b -a:normal -b:boom +a +b")            \
	X(one_for_all_starts_those_that_were_terminated, &one_for_all,                             \
		"ask {terminate_child, a}; tell b crash",                                          \
		"+a +b +c -a:shutdown =ok -b:boom -c:shutdown +a +b +c")                           \
	X(kill_counts_as_a_crash, &all_transient, "kill a", "+a +b +a")                            \
	X(default_intensity_is_one_in_five_seconds, &defaults, "tell a crash; tell a crash",       \
		"+a -a:boom +a -a:boom ^shutdown")                                                 \
	X(intensity_of_zero_bears_no_restart, &none_at_all, "tell a crash",                        \
		"+a -a:boom ^shutdown")                                                            \
	X(intensity_is_inclusive, &three_in_five, "tell a crash; tell a crash; tell a crash",      \
		"+a -a:boom +a -a:boom +a -a:boom +a")                                             \
	X(one_more_than_the_intensity_ends_it, &three_in_five,                                     \
		"tell a crash; tell a crash; tell a crash; tell a crash",                          \
		"+a -a:boom +a -a:boom +a -a:boom +a -a:boom ^shutdown")                           \
	X(restarts_in_the_last_second_of_the_period_count, &defaults,                              \
		"tell a crash; pass 5000; tell a crash", "+a -a:boom +a -a:boom ^shutdown")        \
	X(restarts_beyond_the_period_do_not_count, &defaults,                                      \
		"tell a crash; pass 6000; tell a crash", "+a -a:boom +a -a:boom +a")               \
	X(intensity_ends_the_others_first, &one_for_one, "refuse b; tell b crash; ended a",        \
		"+a +b +c -b:boom +b +b +b +b +b +b +b +b +b +b -c:shutdown -a:shutdown "          \
		"^shutdown gone:a")                                                                \
	X(failed_restart_is_tried_again, &three_in_five, "refuse a; tell a crash",                 \
		"+a -a:boom +a +a +a ^shutdown")                                                   \
	X(failed_restart_in_one_for_all_begins_anew, &one_for_all, "refuse b; tell c crash",       \
		"+a +b +c -c:boom -b:shutdown -a:shutdown +a +b -a:shutdown +a +b -a:shutdown "    \
		"+a +b -a:shutdown +a +b -a:shutdown +a +b -a:shutdown +a +b -a:shutdown +a +b "   \
		"-a:shutdown +a +b -a:shutdown +a +b -a:shutdown +a +b -a:shutdown ^shutdown")     \
	X(restarted_child_that_is_ignored_keeps_its_place, &one_for_one,                           \
		"ignore b; tell b crash; ask which_children",                                      \
		"+a +b +c -b:boom +b =[{c,<c>,worker,[kid]},{b,undefined,worker,[kid]},"           \
		"{a,<a>,worker,[kid]}]")                                                           \
	X(first_start_that_fails_ends_those_before, &one_for_one, "refuse c; start; ended sup",    \
		"+a +b +c -b:shutdown -a:shutdown "                                                \
		"^{shutdown,{failed_to_start_child,c,refused}} gone:sup")                          \
	X(first_start_that_is_ignored_keeps_its_place, &one_for_one,                               \
		"ignore b; start; ask count_children",                                             \
		"+a +b +c =[{specs,3},{active,2},{supervisors,0},{workers,3}]")                    \
	X(ignored_temporary_is_forgotten, &all_temporary, "ignore a; start; ask count_children",   \
		"+a +b =[{specs,1},{active,1},{supervisors,0},{workers,1}]")                       \
	X(ids_are_unique, &twice, "ended sup", "^{start_spec,{duplicate_child_name,a}} gone:sup")  \
	X(which_children_has_the_last_started_first, &one_for_one, "ask which_children",           \
		"+a +b +c =[{c,<c>,worker,[kid]},{b,<b>,worker,[kid]},{a,<a>,worker,[kid]}]")      \
	X(which_child_by_id_and_pid, &defaults, "ask {which_child, a}; ask {which_child, b}",      \
		"+a ={ok,{a,<a>,worker,[kid]}} ={error,not_found}")                                \
	X(start_child_adds_at_the_end, &defaults,                                                  \
		"ask {start_child, " NEW_WORKER("n") "}}; parent shutdown",                        \
		"+a +n ={ok,<n>} -n:shutdown -a:shutdown ^shutdown")                               \
	X(start_child_takes_a_tuple, &defaults,                                                    \
		"ask {start_child, {n, {kid, start_link, [n]}, permanent, 5000, worker, [kid]}}",  \
		"+a +n ={ok,<?>}")                                                                 \
	X(start_child_of_a_known_id_is_already_started, &defaults,                                 \
		"ask {start_child, #{id => a, start => {kid, start_link, [a]}}}",                  \
		"+a ={error,{already_started,<a>}}")                                               \
	X(start_child_of_a_terminated_id_is_already_present, &defaults,                            \
		"ask {terminate_child, a}; "                                                       \
		"ask {start_child, #{id => a, start => {kid, start_link, [a]}}}",                  \
		"+a -a:shutdown =ok ={error,already_present}")                                     \
	X(start_child_with_a_taken_name_says_who_has_it, &defaults,                                \
		"ask {start_child, #{id => n, start => "                                           \
		"{gen_server, start_link, [{local, a}, kid, n, []]}}}; ask count_children",        \
		"+a ={error,{already_started,<a>}} "                                               \
		"=[{specs,1},{active,1},{supervisors,0},{workers,1}]")                             \
	X(start_child_that_fails_shows_the_child, &defaults,                                       \
		"refuse n; ask {start_child, #{id => n, start => {kid, start_link, [n]}}}",        \
		"+a +n ={error,{refused,{child,undefined,n,{kid,start_link,[n]},permanent,false,"  \
		"5000,worker,[kid]}}}")                                                            \
	X(start_child_that_is_ignored_is_ok_undefined, &defaults,                                  \
		"ignore n; ask {start_child, #{id => n, start => {kid, start_link, [n]}}}; "       \
		"ask which_children",                                                              \
		"+a +n ={ok,undefined} =[{n,undefined,worker,[kid]},{a,<a>,worker,[kid]}]")        \
	X(start_child_of_an_ignored_temporary_keeps_nothing, &defaults,                            \
		"ignore n; ask {start_child, #{id => n, restart => temporary, "                    \
		"start => {kid, start_link, [n]}}}; ask which_children",                           \
		"+a +n ={ok,undefined} =[{a,<a>,worker,[kid]}]")                                   \
	X(start_child_of_an_unknown_module_is_undef, &defaults,                                    \
		"ask {start_child, #{id => n, start => {nowhere, start_link, [1]}}}",              \
		"+a ={error,{{'EXIT',{undef,[{nowhere,start_link,[1],[]}]}},{child,undefined,n,"   \
		"{nowhere,start_link,[1]},permanent,false,5000,worker,[nowhere]}}}")               \
	X(terminate_child_keeps_the_specification, &one_for_one,                                   \
		"ask {terminate_child, b}; ask which_children",                                    \
		"+a +b +c -b:shutdown =ok =[{c,<c>,worker,[kid]},{b,undefined,worker,[kid]},"      \
		"{a,<a>,worker,[kid]}]")                                                           \
	X(terminate_child_of_one_that_is_down_is_ok, &defaults,                                    \
		"ask {terminate_child, a}; ask {terminate_child, a}", "+a -a:shutdown =ok =ok")    \
	X(terminate_child_forgets_a_temporary, &all_temporary,                                     \
		"ask {terminate_child, a}; ask {restart_child, a}",                                \
		"+a +b -a:shutdown =ok ={error,not_found}")                                        \
	X(terminate_child_of_a_stranger_is_not_found, &defaults, "ask {terminate_child, zz}",      \
		"+a ={error,not_found}")                                                           \
	X(terminate_child_is_no_crash, &none_at_all, "ask {terminate_child, a}; ended sup",        \
		"+a -a:shutdown =ok runs:sup")                                                     \
	X(restart_child_starts_what_was_terminated, &defaults,                                     \
		"ask {terminate_child, a}; ask {restart_child, a}",                                \
		"+a -a:shutdown =ok +a ={ok,<a>}")                                                 \
	X(restart_child_of_a_running_one_is_running, &defaults, "ask {restart_child, a}",          \
		"+a ={error,running}")                                                             \
	X(restart_child_of_a_stranger_is_not_found, &defaults, "ask {restart_child, zz}",          \
		"+a ={error,not_found}")                                                           \
	X(restart_child_that_fails_gives_the_reason, &defaults,                                    \
		"ask {terminate_child, a}; refuse a; ask {restart_child, a}",                      \
		"+a -a:shutdown =ok +a ={error,refused}")                                          \
	X(delete_child_forgets_what_was_terminated, &defaults,                                     \
		"ask {terminate_child, a}; ask {delete_child, a}; ask which_children",             \
		"+a -a:shutdown =ok =ok =[]")                                                      \
	X(delete_child_of_a_running_one_is_running, &defaults, "ask {delete_child, a}",            \
		"+a ={error,running}")                                                             \
	X(delete_child_of_a_stranger_is_not_found, &defaults, "ask {delete_child, zz}",            \
		"+a ={error,not_found}")                                                           \
	X(get_childspec_has_all_keys, &brutally, "ask {get_childspec, a}",                         \
		"+a ={ok,#{id => a,modules => [kid],restart => permanent,"                         \
		"shutdown => brutal_kill,significant => false,start => "                           \
		"{gen_server,start_link,[{local,a},kid,a,[]]},type => worker}}")                   \
	X(get_childspec_of_a_temporary_added_later_has_no_arguments, &empty,                       \
		"ask {start_child, #{id => n, restart => temporary, "                              \
		"start => {kid, start_link, [n]}}}; ask {get_childspec, n}",                       \
		"+n ={ok,<?>} ={ok,#{id => n,modules => [kid],restart => temporary,"               \
		"shutdown => 5000,significant => false,start => {kid,start_link,undefined},"       \
		"type => worker}}")                                                                \
	X(get_childspec_of_a_stranger_is_not_found, &defaults, "ask {get_childspec, zz}",          \
		"+a ={error,not_found}")                                                           \
	X(ids_are_any_terms, &empty,                                                               \
		"ask {start_child, #{id => {w, [1, \"x\"]}, start => {kid, start_link, [n]}}}; "   \
		"ask {get_childspec, {w, [2, \"x\"]}}; ask {terminate_child, {w, [1, \"x\"]}}",    \
		"+n ={ok,<?>} ={error,not_found} -n:shutdown =ok")

#define MORE_CASES(X)                                                                              \
	X(brutal_kill_asks_nobody, &brutally, "parent shutdown; ended a", "+a ^shutdown gone:a")   \
	X(timeout_ends_in_a_kill, &quickly,                                                        \
		"hold b; parent shutdown; pass 199; ended b; pass 1; ended b; report",             \
		"+a +b runs:b -a:shutdown ^shutdown gone:b [shutdown_error killed b]")             \
	X(infinity_waits, &patiently,                                                              \
		"hold a; parent shutdown; pass 1000000; ended a; free a; ended a",                 \
		"+a runs:a -a:shutdown ^shutdown gone:a")                                          \
	X(next_child_waits_for_the_one_before, &quickly,                                           \
		"hold b; parent shutdown; pass 150; ended a; free b",                              \
		"+a +b runs:a -b:shutdown -a:shutdown ^shutdown")                                  \
	X(requests_wait_for_a_stop_that_is_under_way, &patiently,                                  \
		"hold a; ask {terminate_child, a}; ask count_children; pass 10000; free a",        \
		"+a -a:shutdown =ok =[{specs,1},{active,0},{supervisors,0},{workers,1}]")          \
	X(crash_of_another_waits_too, &quickly,                                                    \
		"hold a; ask {terminate_child, a}; tell b crash; ended b; free a; ended b",        \
		"+a +b -b:boom gone:b -a:shutdown +b =ok runs:b")                                  \
	X(parents_exit_waits_too, &patiently,                                                      \
		"hold a; ask {terminate_child, a}; parent shutdown; ended sup; free a",            \
		"+a runs:sup -a:shutdown =ok ^shutdown")                                           \
	X(child_that_unlinked_is_ended_all_the_same, &quickly, "unlink b; parent shutdown",        \
		"+a +b -b:shutdown -a:shutdown ^shutdown")                                         \
	X(child_that_unlinked_and_died_is_not_waited_for, &patiently,                              \
		"unlink a; tell a crash; parent shutdown; ended sup",                              \
		"+a -a:boom ^shutdown gone:sup")                                                   \
	X(any_significant_end_ends_it, &any, "tell a {stop, normal}",                              \
		"+p +a +b -a:normal -b:shutdown -p:shutdown ^shutdown")                            \
	X(significant_crash_of_a_transient_is_a_restart, &any, "tell a crash",                     \
		"+p +a +b -a:boom +a")                                                             \
	X(insignificant_end_ends_nothing, &any, "tell p {stop, normal}", "+p +a +b -p:normal +p")  \
	X(all_significant_waits_for_the_last, &all,                                                \
		"tell a {stop, normal}; ended sup; tell b {stop, normal}",                         \
		"+p +a +b -a:normal runs:sup -b:normal -p:shutdown ^shutdown")                     \
	X(terminate_child_of_a_significant_one_ends_nothing, &any,                                 \
		"ask {terminate_child, a}; ended sup", "+p +a +b -a:shutdown =ok runs:sup")        \
	X(significant_children_need_auto_shutdown, &never, "ended sup",                            \
		"^{start_spec,{bad_combination,[{auto_shutdown,never},{significant,true}]}} "      \
		"gone:sup")                                                                        \
	X(significant_children_are_not_permanent, &significant_and_permanent, "ended sup",         \
		"^{start_spec,{bad_combination,[{restart,permanent},{significant,true}]}} "        \
		"gone:sup")                                                                        \
	X(nested_tree_starts_depth_first, &nested, "ask count_children",                           \
		"+a +b +c +z =[{specs,2},{active,2},{supervisors,1},{workers,1}]")                 \
	X(nested_tree_ends_the_other_way, &nested, "parent shutdown",                              \
		"+a +b +c +z -z:shutdown -c:shutdown -b:shutdown -a:shutdown ^shutdown")           \
	X(nested_tree_is_terminated_as_one_child, &nested,                                         \
		"ask {terminate_child, inner}; ask count_children",                                \
		"+a +b +c +z -c:shutdown -b:shutdown -a:shutdown =ok "                             \
		"=[{specs,2},{active,1},{supervisors,1},{workers,1}]")                             \
	X(supervisor_that_gives_up_is_restarted_by_its_own, &escalating, "tell a crash; report",   \
		"+a -a:boom +a [child_terminated boom a] "                                         \
		"[shutdown reached_max_restart_intensity a] [child_terminated shutdown inner]")    \
	X(giving_up_escalates_to_the_top, &escalating, "tell a crash; tell a crash",               \
		"+a -a:boom +a -a:boom ^shutdown")                                                 \
	X(failed_start_in_a_nested_tree_escalates, &nested, "refuse b; start; ended sup",          \
		"+a +b -a:shutdown ^{shutdown,{failed_to_start_child,inner,"                       \
		"{shutdown,{failed_to_start_child,b,refused}}}} gone:sup")                         \
	X(crash_is_reported, &one_for_one, "tell b crash; report",                                 \
		"+a +b +c -b:boom +b [child_terminated boom b]")                                   \
	X(permanents_normal_end_is_reported, &one_for_one, "tell b {stop, normal}; report",        \
		"+a +b +c -b:normal +b [child_terminated normal b]")                               \
	X(transients_normal_end_is_not, &all_transient, "tell b {stop, normal}; report",           \
		"+a +b -b:normal")                                                                 \
	X(temporarys_crash_is_reported, &all_temporary, "tell b crash; report",                    \
		"+a +b -b:boom [child_terminated boom b]")                                         \
	X(failed_restart_is_reported, &defaults, "refuse a; tell a crash; report",                 \
		"+a -a:boom +a ^shutdown [child_terminated boom a] [start_error refused a] "       \
		"[shutdown reached_max_restart_intensity a]")                                      \
	X(failed_first_start_is_reported, &defaults, "refuse a; start; report",                    \
		"+a ^{shutdown,{failed_to_start_child,a,refused}} [start_error refused a]")        \
	X(ordinary_end_is_not_reported, &one_for_one, "parent shutdown; report",                   \
		"+a +b +c -c:shutdown -b:shutdown -a:shutdown ^shutdown")                          \
	X(unknown_message_ends_nothing, &defaults, "tell sup hello; ask count_children",           \
		"+a =[{specs,1},{active,1},{supervisors,0},{workers,1}]")                          \
	X(unknown_cast_ends_nothing, &defaults, "tell sup {'$gen_cast', hello}; ended sup",        \
		"+a runs:sup")                                                                     \
	X(forged_attempt_starts_nothing, &defaults,                                                \
		"tell sup {'$gen_cast', {try_again_restart, a}}; ended sup", "+a runs:sup")        \
	X(children_without_trap_exit_end_at_once, &plain_ones, "parent shutdown; ended a",         \
		"+a +b ^shutdown gone:a")

/* ---- specifications that are refused --------------------------------------------------------- */

#define SPEC(keys) "ask {start_child, #{" keys "}}"

#define SPEC_CASES(X)                                                                                            \
	X(spec_is_a_map_or_a_tuple, &empty, "ask {start_child, what}",                                           \
		"={error,{invalid_child_spec,what}}")                                                            \
	X(spec_needs_an_id, &empty, SPEC("start => {kid, start_link, []}"), "={error,missing_id}")               \
	X(spec_needs_a_start, &empty, SPEC("id => n"), "={error,missing_start}")                                 \
	X(start_is_an_mfa, &empty, SPEC("id => n, start => {kid, start_link}"),                                  \
		"={error,{invalid_mfa,{kid,start_link}}}")                                                       \
	X(starts_arguments_are_a_list, &empty, SPEC("id => n, start => {kid, start_link, n}"),                   \
		"={error,{invalid_mfa,{kid,start_link,n}}}")                                                     \
	X(restart_is_one_of_three, &empty,                                                                       \
		SPEC("id => n, start => {kid, start_link, []}, restart => always"),                              \
		"={error,{invalid_restart_type,always}}")                                                        \
	X(significant_is_a_boolean, &empty,                                                                      \
		SPEC("id => n, start => {kid, start_link, []}, significant => 1"),                               \
		"={error,{invalid_significant,1}}")                                                              \
	X(type_is_worker_or_supervisor, &empty,                                                                  \
		SPEC("id => n, start => {kid, start_link, []}, type => boss"),                                   \
		"={error,{invalid_child_type,boss}}")                                                            \
	X(shutdown_is_no_negative_number, &empty,                                                                \
		SPEC("id => n, start => {kid, start_link, []}, shutdown => -1"),                                 \
		"={error,{invalid_shutdown,-1}}")                                                                \
	X(shutdown_is_no_word, &empty,                                                                           \
		SPEC("id => n, start => {kid, start_link, []}, shutdown => soon"),                               \
		"={error,{invalid_shutdown,soon}}")                                                              \
	X(modules_are_atoms, &empty,                                                                             \
		SPEC("id => n, start => {kid, start_link, []}, modules => [kid, 1]"),                            \
		"={error,{invalid_module,1}}")                                                                   \
	X(modules_are_a_list, &empty,                                                                            \
		SPEC("id => n, start => {kid, start_link, []}, modules => kid"),                                 \
		"={error,{invalid_modules,kid}}")                                                                \
	X(modules_may_be_dynamic, &empty,                                                                        \
		SPEC("id => n, start => {kid, start_link, [n]}, modules => dynamic") "; ask which_children",     \
		"+n ={ok,<?>} =[{n,<?>,worker,dynamic}]")                                                        \
	X(supervisors_have_no_limit_by_default, &empty,                                                          \
		SPEC("id => n, start => {kid, start_link, [n]}, type => supervisor") "; ask {get_childspec, n}", \
		"+n ={ok,<?>} ={ok,#{id => n,modules => [kid],restart => permanent,"                             \
		"shutdown => infinity,significant => false,start => {kid,start_link,[n]},"                       \
		"type => supervisor}}")                                                                          \
	X(significant_needs_auto_shutdown, &empty,                                                               \
		SPEC("id => n, start => {kid, start_link, []}, restart => transient, "                           \
		     "significant => true"),                                                                     \
		"={error,{bad_combination,[{auto_shutdown,never},{significant,true}]}}")

#define DEFINE(name, tree, script, expected)                                                       \
	static void name(void)                                                                     \
	{                                                                                          \
		sup_script(tree, script, expected);                                                \
	}
/* clang-format off */
CASES(DEFINE)
MORE_CASES(DEFINE)
SPEC_CASES(DEFINE)

#define LIST(name, tree, script, expected) FL_TEST(name),
FL_SUITE("supervisor_otp", CASES(LIST) MORE_CASES(LIST) SPEC_CASES(LIST));
