//! A machine with Enterprise Linux: a root that the real dnf installs into, and the httpd that is started from it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use modgraft::process::Running;

use super::super::run;
use super::Release;

/// How long httpd may take to listen, and to end.
const LIMIT: Duration = Duration::from_secs(20);

/// A root, and what dnf is to know of it.
pub struct Machine {
    folder: tempfile::TempDir,
    release: Release,
}

/// A repository as dnf is told of it.
#[derive(Debug)]
pub struct Source<'a> {
    pub name: &'a str,
    pub url: String,
    pub key: PathBuf,
}

impl Machine {
    /// A root with nothing in it.
    pub fn new(release: Release, repositories: &[Source<'_>]) -> Self {
        let machine = Machine { folder: tempfile::tempdir().unwrap(), release };
        let path = |name: &str| machine.folder.path().join(name);
        for name in ["repos", "vars"] {
            fs_err::create_dir(path(name)).unwrap();
        }
        let folder = machine.folder.path().display();
        let main = format!(
            "[main]\ncachedir={folder}/cache\nlogdir={folder}/log\npersistdir={folder}/persist\n\
             reposdir={folder}/repos\nvarsdir={folder}/vars\nplugins=0\ngpgcheck=1\nassumeyes=1\n\
             install_weak_deps=0\nclean_requirements_on_remove=0\nmetadata_expire=0\ntimeout=20\n"
        );
        fs_err::write(path("dnf.conf"), main).unwrap();
        for repository in repositories {
            machine.configure(repository);
        }
        machine
    }

    /// States a repository, or states it anew.
    pub fn configure(&self, repository: &Source<'_>) {
        let Source { name, url, key } = repository;
        let text = format!(
            "[{name}]\nname={name}\nbaseurl={url}\nenabled=1\ngpgcheck=1\ngpgkey=file://{}\n",
            key.display()
        );
        fs_err::write(self.folder.path().join(format!("repos/{name}.repo")), text).unwrap();
    }

    /// States repositories as a .repo file does.
    pub fn take(&self, name: &str, repo_file: &str) {
        fs_err::write(self.folder.path().join(format!("repos/{name}.repo")), repo_file).unwrap();
    }

    /// Forgets what dnf has fetched, keys of repositories included.
    pub fn forget(&self) {
        for name in ["cache", "persist"] {
            let _ = fs_err::remove_dir_all(self.folder.path().join(name));
        }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// dnf on this root, which it changes into: an ordinary user needs a namespace where that is allowed.
    pub fn dnf(&self, arguments: &[&str]) -> Command {
        let mut command = as_root("dnf");
        command.arg("--config").arg(self.folder.path().join("dnf.conf"));
        command.arg("--installroot").arg(self.root()).args(["--releasever", self.release.number()]);
        command.args(arguments);
        command
    }

    pub fn rpm(&self, arguments: &[&str]) -> Command {
        let mut command = as_root("rpm");
        command.arg("--root").arg(self.root()).args(arguments);
        command
    }

    /// All files but those of rpm and dnf themselves, what httpd writes, and the linker's cache.
    pub fn files(&self) -> Vec<String> {
        let root = self.root();
        let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().map(Result::unwrap);
        let paths = entries.map(|entry| format!("/{}", entry.path().strip_prefix(&root).unwrap().display()));
        let not_theirs =
            ["/var/lib/", "/var/cache/", "/var/log/", "/run/", "/root/", "/tmp/", "/etc/ld.so.cache"];
        paths.filter(|path| !not_theirs.iter().any(|start| path.starts_with(start))).collect()
    }

    /// The installed httpd, in the root itself where we may change into it; through the root's own dynamic linker else.
    pub fn httpd(&self, how: How) -> Httpd {
        let root = self.root();
        Httpd::configure(if how == How::Inside && rustix::process::geteuid().is_root() {
            // What APR opens, as a file: a root without devices has no others.
            let random = (0..256_u32).map(|number| number.to_le_bytes()[0]).collect::<Vec<u8>>().repeat(256);
            fs_err::write(root.join("dev/urandom"), random).unwrap();
            Httpd { root, within: true, port: 0 }
        } else {
            Httpd { root, within: false, port: 0 }
        })
    }
}

/// How the installed httpd is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By chroot where we are root.
    Inside,
    /// By the root's dynamic linker, with the root's folder before all paths of httpd.conf.
    Outside,
}

/// The httpd of a machine.
pub struct Httpd {
    root: PathBuf,
    within: bool,
    port: u16,
}

impl Httpd {
    /// Changes what an administrator would: the port, and where httpd lies if that is not `/`.
    fn configure(mut self) -> Self {
        // Free at this moment; another program can take it before httpd does, which would be told as a failure to start.
        self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = self.root.join("etc/httpd/conf/httpd.conf");
        let text = fs_err::read_to_string(file.with_extension("conf.packaged"));
        let text = text.unwrap_or_else(|_| fs_err::read_to_string(&file).unwrap());
        fs_err::write(file.with_extension("conf.packaged"), &text).unwrap();
        let mut text = text.replace("Listen 80\n", &format!("Listen 127.0.0.1:{}\n", self.port));
        if self.within {
            // The usual kind needs /dev/zero.
            text.push_str("Mutex file:/run/httpd default\n");
        } else {
            for path in ["/etc/httpd", "/run/httpd", "/var/www/html", "/etc/mime.types"] {
                text = text.replace(path, &format!("{}{path}", self.root.display()));
            }
            // The user is one of that machine, not of this one.
            text = text.replace("User apache\nGroup apache\n", "User #65534\nGroup #65534\n");
        }
        fs_err::write(file, text).unwrap();
        self
    }

    /// The administrator's own file beside the packages' ones.
    pub fn site(&self, text: &str) {
        fs_err::write(self.root.join("etc/httpd/conf.d/site.conf"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command;
        let conf = Path::new("/etc/httpd/conf/httpd.conf");
        if self.within {
            command = Command::new("chroot");
            command.arg(&self.root).args(["/usr/sbin/httpd", "-d", "/etc/httpd", "-f"]).arg(conf);
        } else {
            let path = |path: &str| self.root.join(path);
            command = Command::new(path("lib64/ld-linux-x86-64.so.2"));
            command.arg("--library-path").arg(path("usr/lib64")).arg(path("usr/sbin/httpd"));
            command.arg("-d").arg(path("etc/httpd")).arg("-f").arg(path("etc/httpd/conf/httpd.conf"));
        }
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin").env("LC_ALL", "C").args(arguments);
        command
    }

    /// What `httpd -M` or `-t` says.
    pub fn says(&self, option: &str) -> String {
        let output = self.command(&[option]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "httpd {option}: {said}");
        said
    }

    /// Starts it, and waits until it listens. It ends when the result is dropped.
    pub fn start(&self) -> (Running, SocketAddr) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut running = Running::start(&mut self.command(&["-DFOREGROUND"])).unwrap();
        let began = Instant::now();
        // It listens before it has read all of its configuration, and writes this file behind that.
        let ready = || self.pid_file().is_file() && TcpStream::connect(address).is_ok();
        while !ready() {
            let ended = running.child().try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < LIMIT,
                "httpd does not listen ({ended:?}): {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(5));
        }
        (running, address)
    }

    /// Ends it, and waits until all of its processes are gone.
    pub fn stop(&self, running: Running) {
        running.stop(LIMIT);
        assert!(!self.pid_file().exists(), "httpd did not end when asked to: {}", self.log());
    }

    fn pid_file(&self) -> PathBuf {
        self.root.join("run/httpd/httpd.pid")
    }

    pub fn log(&self) -> String {
        fs_err::read_to_string(self.root.join("var/log/httpd/error_log")).unwrap_or_default()
    }
}

fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", program]);
        command
    }
}

/// Unpacks all packages of a repository into a root, as a target.
pub fn unpack(packages: &Path, to: &Path) {
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(packages).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The links from /lib64 to /usr/lib64 come first, as they do where packages are installed.
    files.sort_by_key(|file| {
        !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("filesystem-"))
    });
    let archive = to.with_extension("tgz");
    for file in files {
        run(Command::new("rpm2archive")
            .arg("-")
            .stdin(fs_err::File::open(file).unwrap().into_file())
            .stdout(fs_err::File::create(&archive).unwrap().into_file()));
        run(Command::new("tar").args(["--keep-directory-symlink", "-xzf"]).arg(&archive).arg("-C").arg(to));
    }
}

/// apxs and APR's scripts of a root, for a compiler outside of it: what they say of headers is below the root. Returns apxs.
pub fn development_tools(root: &Path, folder: &Path) -> PathBuf {
    let (root, here) = (root.display(), folder.display());
    // The root's own script, and the variables that it reads there.
    let apxs = fs_err::read_to_string(format!("{root}/usr/bin/apxs")).unwrap();
    let build = "/usr/lib64/httpd/build";
    fs_err::write(folder.join("apxs.pl"), apxs.replace(build, &format!("{root}{build}"))).unwrap();
    for (name, program) in [
        ("apxs", format!("perl {here}/apxs.pl")),
        ("apr-1-config", format!("sh {root}/usr/bin/apr-1-config")),
        ("apu-1-config", format!("sh {root}/usr/bin/apu-1-config")),
    ] {
        let script = format!(
            "#!/bin/sh\n{program} \"$@\" | sed -e 's#\\(^\\|-I\\)/usr/include#\\1{root}/usr/include#g' \\\n    \
             -e 's#^/usr/bin/\\(ap[ru]-1-config\\)$#{here}/\\1#' -e 's#^gcc$#gcc --sysroot={root}#'\n"
        );
        fs_err::write(folder.join(name), script).unwrap();
        fs_err::set_permissions(folder.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    folder.join("apxs")
}
