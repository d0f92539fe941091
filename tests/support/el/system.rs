//! The packages below httpd: folders, users, the C library, APR, and the libraries that they need.

use std::path::Path;

use super::host::{Host, host};
use super::package::{Package, Source};

/// Which package of Red Hat's has a library. Any other is packaged under the library's own name.
const LIBRARIES: &[(&str, &str)] = &[
    ("libpcre2-8.so", "pcre2"),
    ("libpcre.so", "pcre"),
    ("libexpat.so", "expat"),
    ("libuuid.so", "libuuid"),
    ("libcrypt.so", "libxcrypt"),
    ("libssl.so", "openssl-libs"),
    ("libcrypto.so", "openssl-libs"),
    ("libz.so", "zlib"),
    ("libbrotlienc.so", "libbrotli"),
    ("libbrotlicommon.so", "libbrotli"),
    ("libnghttp2.so", "libnghttp2"),
    ("libsystemd.so", "systemd-libs"),
    ("libtinfo.so", "ncurses-libs"),
    ("libgcc_s.so", "libgcc"),
];

/// What the C library's package has beside the dynamic linker.
const GLIBC: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libmvec.so.1",
    "libdl.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libanl.so.1",
    "libnss_files.so.2",
    "libnss_dns.so.2",
];

const LINKER: &str = "ld-linux-x86-64.so.2";

const FOLDERS: &[&str] = &[
    "/dev",
    "/etc",
    "/home",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib64",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/doc",
    "/usr/share/licenses",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/www",
];

fn source(name: &str, version: &str, packages: Vec<Package>) -> Source {
    Source {
        name: name.to_owned(),
        version: version.to_owned(),
        release: "1".to_owned(),
        payload: "w6.gzdio",
        noarch: false,
        packages,
    }
}

/// The packages that are the same in all releases, but for those with libraries.
pub fn sources() -> Vec<Source> {
    let host = host();
    let noarch = |name: &str, packages| Source { noarch: true, ..source(name, "1", packages) };
    vec![
        noarch("filesystem", vec![filesystem(), Package::new("basesystem").requires("filesystem")]),
        noarch("setup", vec![setup(), mailcap()]),
        source("glibc", &host.glibc_version, vec![glibc(host), glibc_headers(host), glibc_devel(host)]),
        source("kernel-headers", "1", vec![kernel_headers(host)]),
        source("bash", "1", vec![bash(host)]),
        source("perl", "1", vec![perl(host)]),
        source("apr", &host.apr_version, apr(host)),
        source("apr-util", &host.apu_version, apr_util(host)),
        source("development", "1", vec![expat_devel(host), libxcrypt_devel(host), pkg_config(host)]),
    ]
}

/// The packages with the libraries that all of these need.
pub fn libraries(sources: &[&Source]) -> Vec<Source> {
    let host = host();
    let files: Vec<&Path> =
        sources.iter().flat_map(|source| &source.packages).flat_map(Package::copied).collect();
    let in_them = |soname: &str| {
        files.iter().any(|file| file.file_name().is_some_and(|name| name.to_string_lossy() == soname))
    };
    let elf = files.iter().copied().filter(|file| is_elf(file)).collect::<Vec<_>>();
    let mut packages: Vec<(String, Package)> = Vec::new();
    let mut wanted = host.needed_by(&elf);
    wanted.retain(|(soname, _)| !["libapr-1.", "libaprutil-1."].iter().any(|own| soname.starts_with(own)));
    // gcc links everything with it, though little needs it.
    if !wanted.iter().any(|(soname, _)| soname == "libgcc_s.so.1") {
        wanted.push(("libgcc_s.so.1".to_owned(), host.library("libgcc_s.so.1")));
    }
    for (soname, file) in wanted.into_iter().filter(|(soname, _)| !in_them(soname)) {
        let known = LIBRARIES.iter().find(|(library, _)| soname.starts_with(library)).map(|(_, name)| *name);
        let name = known.unwrap_or_else(|| soname.split(".so").next().unwrap_or(&soname)).to_owned();
        let at = packages.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            packages.push((name.clone(), Package::new(&name)));
            packages.len() - 1
        });
        let (_, package) = packages.remove(at);
        packages.insert(at, (name, package.library("/usr/lib64", &soname, &file)));
    }
    packages.into_iter().map(|(name, package)| source(&name, "1", vec![package])).collect()
}

fn is_elf(file: &Path) -> bool {
    use std::io::Read as _;
    let mut start = [0; 18];
    let read = fs_err::File::open(file).and_then(|mut file| file.read_exact(&mut start));
    // Programs and shared objects; object files need nothing.
    read.is_ok() && start.starts_with(b"\x7fELF") && matches!(start[16], 2 | 3)
}

/// `/lib64` is a link here, and the C library's files are packaged as below `/lib64` all the same, as they are on EL.
fn filesystem() -> Package {
    let links = ["bin", "sbin", "lib", "lib64"];
    links.iter().fold(Package::new("filesystem").requires("setup").folders(FOLDERS), |package, name| {
        package.link(&format!("/{name}"), &format!("usr/{name}"))
    })
}

fn setup() -> Package {
    Package::new("setup")
        .text(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\napache:x:48:48:Apache:/usr/share/httpd:/sbin/nologin\n\
             nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
        )
        .text("/etc/group", "root:x:0:\napache:x:48:\nnobody:x:65534:\n")
        .text("/etc/hosts", "127.0.0.1 localhost\n")
}

fn mailcap() -> Package {
    Package::new("mailcap").text("/etc/mime.types", "text/html html htm\ntext/plain txt\n")
}

fn glibc(host: &Host) -> Package {
    let mut package = Package::new("glibc")
        .requires("basesystem")
        .requires("libgcc")
        .provides("rtld(GNU_HASH)")
        .file(&format!("/lib64/{LINKER}"), &fs_err::canonicalize(host.library(LINKER)).unwrap())
        .file("/sbin/ldconfig", &host.program("ldconfig"))
        .text("/etc/ld.so.conf", "include ld.so.conf.d/*.conf\n")
        // Red Hat's linker knows these folders by itself, Debian's does not.
        .text("/etc/ld.so.conf.d/lib64.conf", "/lib64\n/usr/lib64\n")
        .text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
        .section(&trigger("in"))
        .section(&trigger("postun"));
    for name in GLIBC {
        package = package.file(&format!("/lib64/{name}"), &fs_err::canonicalize(host.library(name)).unwrap());
    }
    package
}

/// Makes the linker's cache anew after each transaction with libraries.
fn trigger(when: &str) -> String {
    format!(
        "%transfiletrigger{when} -n glibc -P 2000000 -p <lua> -- /lib64 /usr/lib64\nrpm.execute(\"/sbin/ldconfig\")"
    )
}

fn headers(host: &Host, package: Package, debian: &str) -> Package {
    host.package(debian).iter().fold(package, |package, file| match host.single_arch(file) {
        Some(path) if path.starts_with("/usr/include/") => package.file(&path, file),
        _ => package,
    })
}

fn glibc_headers(host: &Host) -> Package {
    headers(host, Package::new("glibc-headers").requires("kernel-headers"), "libc6-dev")
}

fn kernel_headers(host: &Host) -> Package {
    headers(host, Package::new("kernel-headers"), "linux-libc-dev")
}

/// What modules are linked with. The archives with the whole of the C library are glibc-static's on EL.
fn glibc_devel(host: &Host) -> Package {
    const STATIC: &[&str] = &["libc.a", "libm.a", "libmvec.a", "libBrokenLocale.a", "libmcheck.a"];
    let format = "/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\n";
    let mut package = Package::new("glibc-devel")
        .requires("glibc-headers")
        .requires("glibc")
        .requires("libgcc")
        .requires("libxcrypt-devel")
        .text(
            "/usr/lib64/libc.so",
            format!("{format}GROUP ( /lib64/libc.so.6 /usr/lib64/libc_nonshared.a AS_NEEDED ( /lib64/{LINKER} ) )\n"),
        )
        .text(
            "/usr/lib64/libm.so",
            format!("{format}GROUP ( /lib64/libm.so.6 AS_NEEDED ( /lib64/libmvec.so.1 ) )\n"),
        )
        .link("/usr/lib64/libmvec.so", "libmvec.so.1")
        .link("/usr/lib64/libresolv.so", "libresolv.so.2");
    for file in host.package("libc6-dev") {
        let Some(path) = host.single_arch(&file) else { continue };
        let Some(name) = path.strip_prefix("/usr/lib64/").filter(|name| !name.contains('/')) else {
            continue;
        };
        let linked_with = name.ends_with(".o") || name.ends_with(".a");
        if linked_with && !STATIC.contains(&name) && !name.starts_with("libm-") {
            package = package.file(&path, &file);
        }
    }
    package
}

fn bash(host: &Host) -> Package {
    let package = Package::new("bash").provides("/bin/sh").provides("/bin/bash");
    package.file("/usr/bin/bash", &host.program("bash")).link("/usr/bin/sh", "bash")
}

/// The interpreter without its library: apxs is read by these tests, and run with the host's perl only.
fn perl(host: &Host) -> Package {
    let package = Package::new("perl-interpreter").provides("perl = 4:5.36").provides("perl(strict)");
    package.file("/usr/bin/perl", &host.program("perl"))
}

fn apr(host: &Host) -> Vec<Package> {
    let soname = "libapr-1.so.0";
    let devel = Package::new("apr-devel")
        .requires("apr = %{version}-%{release}")
        .script("/usr/bin/apr-1-config", translated(host, &host.program("apr-1-config")))
        .link("/usr/lib64/libapr-1.so", soname)
        .text("/usr/lib64/pkgconfig/apr-1.pc", translated(host, &described(host, "apr-1")));
    let devel = apr_headers(host, devel, "libapr1-dev", &host.apr_headers);
    let scripts = walkdir::WalkDir::new(&host.apr_build).sort_by_file_name().into_iter().map(Result::unwrap);
    let devel = scripts.filter(|entry| entry.file_type().is_file()).fold(devel, |devel, entry| {
        let name = entry.file_name().to_str().expect("APR's names are ASCII");
        // None is executable, so that rpm does not ask for what they are started with.
        devel.text(&format!("/usr/lib64/apr-1/build/{name}"), translated(host, entry.path()))
    });
    vec![Package::new("apr").library("/usr/lib64", soname, &host.library(soname)), devel]
}

fn apr_util(host: &Host) -> Vec<Package> {
    let soname = "libaprutil-1.so.0";
    let devel = Package::new("apr-util-devel")
        .requires("apr-util = %{version}-%{release}")
        .requires("apr-devel")
        .requires("expat-devel")
        .script("/usr/bin/apu-1-config", translated(host, &host.program("apu-1-config")))
        .link("/usr/lib64/libaprutil-1.so", soname)
        .text("/usr/lib64/pkgconfig/apr-util-1.pc", translated(host, &described(host, "apr-util-1")));
    let devel = apr_headers(host, devel, "libaprutil1-dev", &host.apu_headers);
    vec![Package::new("apr-util").library("/usr/lib64", soname, &host.library(soname)), devel]
}

/// Headers of a package of Debian's that has its own in `folder`, which APR and APR-util share.
fn apr_headers(host: &Host, package: Package, debian: &str, folder: &Path) -> Package {
    let files = host.package(debian);
    files.iter().filter(|file| file.starts_with(folder)).fold(package, |package, file| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("APR's names are ASCII");
        package.file(&format!("/usr/include/apr-1/{name}"), file)
    })
}

fn expat_devel(host: &Host) -> Package {
    let package =
        Package::new("expat-devel").requires("expat").link("/usr/lib64/libexpat.so", "libexpat.so.1");
    headers(host, package, "libexpat1-dev")
}

fn libxcrypt_devel(host: &Host) -> Package {
    let package = Package::new("libxcrypt-devel").requires("libxcrypt");
    headers(host, package.link("/usr/lib64/libcrypt.so", "libcrypt.so.1"), "libcrypt-dev")
}

/// What rpm's generator asks for on behalf of each `.pc` file.
fn pkg_config(host: &Host) -> Package {
    Package::new("pkgconf-pkg-config").file("/usr/bin/pkg-config", &host.program("pkg-config"))
}

/// APR's own description for pkg-config.
fn described(host: &Host, name: &str) -> std::path::PathBuf {
    Path::new("/usr/lib").join(&host.multiarch).join(format!("pkgconfig/{name}.pc"))
}

/// A text of this machine's with Red Hat's paths.
pub fn translated(host: &Host, file: &Path) -> String {
    host.translate(&fs_err::read_to_string(file).unwrap())
}
