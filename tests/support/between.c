/* Asks to come before and after a module of httpd's own, as two releases of modules can ask it of each other. */
#include "httpd.h"
#include "http_config.h"
#include "http_request.h"

static int leave(request_rec *r)
{
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const neighbour[] = { "mod_alias.c", NULL };

    ap_hook_translate_name(leave, neighbour, AFTER, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA between_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks
};
