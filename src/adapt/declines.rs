//! Hooks that never were anything to a request: what the module does there may be left out.

use crate::c::expression::Code;

/// Functions and macros of httpd and its libraries that read, compare, make text or log, and change nothing of a request; those
/// of the log's levels and numbers begin with `APLOG`.
const HARMLESS: &[&str] = &[
    "APR_ARRAY_IDX",
    "ap_expr_exec",
    "ap_expr_str_exec",
    "ap_get_core_module_config",
    "ap_get_module_config",
    "ap_is_initial_req",
    "ap_log_cerror",
    "ap_log_error",
    "ap_log_perror",
    "ap_log_rerror",
    "apr_psprintf",
    "apr_pstrcat",
    "apr_pstrdup",
    "apr_table_get",
    "strcasecmp",
    "strcmp",
    "strlen",
    "strncasecmp",
    "strncmp",
];

/// Whether all calls of a function pass, as this argument, a function that returns nothing but `DECLINED`, and does nothing by
/// the way: one that declines may have rewritten the request before.
pub fn only(name: &str, number: usize, code: &Code<'_>) -> bool {
    code.calls(name).iter().all(|call| {
        let argument = number.checked_sub(1).and_then(|at| call.arguments.get(at));
        let Some(callback) = argument.map(|argument| code.text(argument)) else { return false };
        let returned = code.returned(callback).unwrap_or_default();
        let declines = !returned.is_empty() && returned.iter().all(|value| *value == "DECLINED");
        declines
            && code.changes_nothing(callback, &|called| {
                called.starts_with("APLOG") || HARMLESS.contains(&called)
            })
    })
}
