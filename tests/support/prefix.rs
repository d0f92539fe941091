//! An httpd as `make install` would leave it.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::apxs;

/// This system's httpd, laid out so.
pub fn prefix() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["bin", "build", "conf"] {
        fs_err::create_dir(path(name)).unwrap();
    }
    let program = Path::new(&apxs("SBINDIR")).join(apxs("PROGNAME"));
    fs_err::copy(program, path("bin/httpd")).unwrap();
    symlink(apxs("INCLUDEDIR"), path("include")).unwrap();
    symlink(apxs("LIBEXECDIR"), path("modules")).unwrap();
    let variables = format!(
        "prefix = {}\nexec_prefix = ${{prefix}}\nsbindir = ${{exec_prefix}}/bin\nprogname = httpd\n\
         includedir = ${{prefix}}/include\nlibexecdir = ${{exec_prefix}}/modules\nsysconfdir = ${{prefix}}/conf\n\
         CC = gcc\nEXTRA_CPPFLAGS = {}\nAPR_INCLUDEDIR = {}\nAPU_INCLUDEDIR = {}\n",
        folder.path().display(),
        apxs("EXTRA_CPPFLAGS"),
        apxs("APR_INCLUDEDIR"),
        apxs("APU_INCLUDEDIR"),
    );
    fs_err::write(path("build/config_vars.mk"), variables).unwrap();
    folder
}
