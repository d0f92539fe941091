//! Some thousand damaged packages, the same ones each time: none may make the reader panic, hang or take much memory.
//! A test binary of its own, since the limit on memory is the whole process's.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use modgraft::profile::Profile;
use modgraft::rpm::{self, Destinations};
use rustix::process::{Resource, Rlimit, setrlimit};
use support::key;
use support::module::Module;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Where there is something to damage: between lead and payload there are 4 KiB of nothing.
fn place(random: &mut Random, bytes: &[u8]) -> usize {
    let signature = 96..96 + 16 + 9 * 16;
    let header = bytes.windows(4).rposition(|four| four == [0x8e, 0xad, 0xe8, 0x01]).unwrap();
    let index = header..header + 16 + 60 * 16;
    match random.below(8) {
        0 => random.below(bytes.len()),
        1 | 2 => signature.start + random.below(signature.len()),
        3..=5 => index.start + random.below(index.len()),
        _ => header + random.below(bytes.len() - header),
    }
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = place(random, bytes);
        match random.below(6) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            3 => {
                // A number of 32 bits, as the headers are full of them.
                let values =
                    [0, 1, 15, 16, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX];
                let value = values[random.below(values.len())].to_be_bytes();
                let at = at & !3;
                for (offset, byte) in value.into_iter().enumerate() {
                    if let Some(place) = bytes.get_mut(at + offset) {
                        *place = byte;
                    }
                }
            }
            4 => {
                bytes.truncate(at.max(100));
                bytes.resize(bytes.len() + random.below(64), 0x8e);
            }
            _ => {
                let from = place(random, bytes);
                let length = random.below(64).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + length, at);
            }
        }
        if bytes
            .windows(4)
            .rposition(|four| four == [0x8e, 0xad, 0xe8, 0x01])
            .is_none_or(|at| at + 1000 > bytes.len())
        {
            return;
        }
    }
}

#[test]
fn damaged_packages_are_refused_or_read() {
    let mut module = Module::new();
    let folder = tempfile::tempdir().unwrap();
    let key = key();
    let mut whole = Vec::new();
    for family in ["debian", "el7"] {
        module.target.profile = Profile::named(family).unwrap();
        let set = module.packages();
        let path = |name: &str| folder.path().join(format!("{family}-{name}"));
        let to = Destinations { binary: path("b"), debuginfo: path("d"), source: path("s") };
        rpm::write_set(&set, Some(&**key), &to).unwrap();
        whole.extend([to.binary, to.debuginfo, to.source].map(|path| fs_err::read(path).unwrap()));
    }
    // One allocation of what a header states would be beyond this.
    let limit = Some(2 << 30);
    setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }).unwrap();

    let path = folder.path().join("damaged.rpm");
    let (mut read, mut refused) = (0, 0);
    for seed in 1..=3000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut bytes = whole[seed as usize % whole.len()].clone();
        damage(&mut random, &mut bytes);
        fs_err::write(&path, &bytes).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| rpm::inspect(&path).map(|found| found.text())));
        match outcome {
            Err(_) => panic!("seed {seed} makes inspect panic"),
            Ok(Ok(_)) => read += 1,
            Ok(Err(_)) => refused += 1,
        }
        let out = tempfile::tempdir_in(folder.path()).unwrap();
        if catch_unwind(AssertUnwindSafe(|| rpm::extract(&path, out.path()))).is_err() {
            panic!("seed {seed} makes extract panic");
        }
    }
    // Both ways were taken often.
    assert!(read > 250 && refused > 250, "{read} read, {refused} refused");
}
