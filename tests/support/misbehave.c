/* SPDX-License-Identifier: Apache-2.0
 *
 * A module for tests: it says what it is told to, and goes wrong when it is told to.
 */
#include <signal.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"

#ifdef MISBEHAVE_UNDEFINED
extern int modgraft_test_no_such_function(void);
#endif

static const char *text = "";
static const char *when = "";
static int restarted;

static void crash_when(const char *now)
{
    if (!strcmp(when, now)) {
        raise(SIGSEGV);
    }
}

/* httpd reads its configuration twice as it starts, and once as it restarts; statics begin anew each time. */
static void count_starts(server_rec *s)
{
    apr_pool_t *lasting = s->process->pool;
    void *data;
    int *starts;

    apr_pool_userdata_get(&data, "misbehave_starts", lasting);
    starts = data ? data : apr_pcalloc(lasting, sizeof(*starts));
    apr_pool_userdata_set(starts, "misbehave_starts", apr_pool_cleanup_null, lasting);
    restarted = ++*starts > 2;
}

static int on_pre_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp)
{
    text = "";
    when = "";
    return OK;
}

static int on_post_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    if (!strcmp(when, "refuse-start")) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "misbehave: told not to start");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!strcmp(when, "miss-modules")) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "misbehave: Mod_status must be loaded, and mod_nowhere");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    while (!strcmp(when, "hang-start")) {
        apr_sleep(apr_time_from_sec(1));
    }
    crash_when("start");
    count_starts(s);
    if (restarted) {
        crash_when("restart");
        if (!strcmp(when, "refuse-restart")) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "misbehave: told not to restart");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        while (!strcmp(when, "hang-restart")) {
            apr_sleep(apr_time_from_sec(1));
        }
    }
    return OK;
}

static int on_request(request_rec *r)
{
#ifdef MISBEHAVE_UNDEFINED
    modgraft_test_no_such_function();
#endif
    if (restarted) {
        crash_when("request-after-restart");
    }
    if (strcmp(r->uri, "/say")) {
        return DECLINED;
    }
    crash_when("request");
    while (!strcmp(when, "hang-request")) {
        apr_sleep(apr_time_from_sec(1));
    }
    ap_set_content_type(r, "text/plain");
    apr_table_set(r->headers_out, "X-Said", text);
    ap_rputs(text, r);
    return OK;
}

static int on_log(request_rec *r)
{
    /* The response must be out before, so that the client sees nothing of it. */
    if (!strcmp(when, "log")) {
        apr_sleep(apr_time_from_msec(20));
    }
    crash_when("log");
    return OK;
}

static const char *set_text(cmd_parms *cmd, void *dir, const char *arg)
{
    if (strlen(arg) > 20) {
        return "SayText takes 20 characters at most";
    }
    text = arg;
    return NULL;
}

static const char *set_when(cmd_parms *cmd, void *dir, const char *arg)
{
    when = arg;
    crash_when("config");
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("SayText", set_text, NULL, RSRC_CONF, "what /say answers"),
    AP_INIT_TAKE1("Misbehave", set_when, NULL, RSRC_CONF, "when to go wrong"),
    { NULL }
};

static void register_hooks(apr_pool_t *p)
{
    ap_hook_pre_config(on_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(on_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(on_request, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(on_log, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA misbehave_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, register_hooks
};
