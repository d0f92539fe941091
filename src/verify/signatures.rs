//! The rules for signatures.

use super::{Case, Findings};
use crate::profile::acceptance::{Covers, Digest};
use crate::rpm::{ExaminedSignature, Judged, Verdict};
use crate::sign;

/// A statement in words of the signer's own choice (RFC 9580, 5.2.3.24). Sequoia, by which rpm 4.19 and later read signatures, knows all
/// other kinds of subpackets, and no such statement (†).
const NOTATION: u8 = 20;

/// So far clocks may go apart, for rpm-sequoia (`pgpVerifySignature2`). Seconds.
const SKEW: u64 = 5 * 60;

/// What a signature is worth to a release.
enum Worth {
    Counts,
    /// No more than none.
    Nothing(String),
    /// Less than none: the package is not taken with it.
    Damaged(String),
}

pub(super) fn signatures(case: &Case<'_>, findings: &mut Findings) {
    let (package, rpm, rules) = (case.package, case.rpm, &case.profile.packaging.accepts.signatures);
    let (read, unread): (Vec<_>, Vec<_>) =
        package.signatures.iter().partition(|one| rules.tags.contains(&one.info.tag));
    for signature in unread {
        let tag = signature.info.tag;
        findings.note(match signature.judged {
            Judged::Refused { damaged: true, .. } => {
                format!("its signature under tag {tag} does not hold, and {rpm} does not look at it")
            }
            _ => format!("{rpm} does not look for its signature under tag {tag}"),
        });
    }
    if read.is_empty() {
        match (rules.required, case.with_keys) {
            (true, _) => {
                findings.refuse(format!("it is not signed, and {rpm} refuses what is not signed by default"))
            }
            (false, true) => findings.refuse("it is not signed, and a key was given to judge it by"),
            (false, false) => {
                findings.note("it is not signed: rpm installs it, yum, dnf and zypper do not (gpgcheck=1)")
            }
        }
        return;
    }
    let mut counting = Vec::new();
    let mut worthless = Vec::new();
    let mut damaged = false;
    for signature in read {
        match worth(case, signature) {
            Worth::Counts => counting.push(signature.of),
            Worth::Nothing(reason) => worthless.push((signature.of, reason)),
            Worth::Damaged(reason) => {
                damaged = true;
                findings.refuse(reason);
            }
        }
    }
    let all = !rules.cover.contains(&Covers::HeaderAndPayload);
    for covers in &rules.cover {
        // A signature of all is one of the header, too, where none of its own is asked for.
        let counts = |of: &Covers| of == covers || all && *of == Covers::HeaderAndPayload;
        if counting.iter().any(counts) {
            continue;
        }
        let mut reasons = worthless.iter().filter(|(of, _)| counts(of)).peekable();
        if reasons.peek().is_none() && !damaged {
            findings.refuse(missing(*covers));
        }
        reasons.for_each(|(_, reason)| findings.refuse(reason.clone()));
    }
    // What a header that is signed does not name, anybody can exchange.
    let named = [Digest::Payload, Digest::PayloadSha512, Digest::PayloadSha3];
    let looked_at = &case.profile.packaging.accepts.digests.read;
    let guarded = package.digests.iter().any(|check| {
        named.contains(&check.digest)
            && looked_at.contains(&check.digest)
            && check.verdict != Verdict::Unchecked
    });
    if all && !counting.is_empty() && !counting.contains(&Covers::HeaderAndPayload) && !guarded {
        findings.refuse("its signature covers the header only, and that says nothing of the payload");
    }
    findings.reasons.dedup();
}

fn missing(covers: Covers) -> String {
    match covers {
        Covers::Header => "it has no signature of its header (tag 268)".to_owned(),
        Covers::HeaderAndPayload => {
            "it has no signature of header and payload (tag 1002): what is signed does not guard its payload there".to_owned()
        }
    }
}

fn worth(case: &Case<'_>, signature: &ExaminedSignature) -> Worth {
    let (rpm, packaging) = (case.rpm, &case.profile.packaging);
    let (info, keys) = (&signature.info, &packaging.keys);
    let named = format!("its signature of {} (tag {})", info.covers, info.tag);
    if let Judged::Refused { reason, damaged: true } = &signature.judged {
        return Worth::Damaged(format!("{named} {reason}"));
    }
    let nothing = |reason: String| Worth::Nothing(format!("{named} {reason}"));
    let forgeable = info.hash.as_str();
    if forgeable == "MD5" || forgeable == "SHA1" && !packaging.accepts.signatures.sha1 {
        return nothing(format!("rests on {forgeable}, which {rpm} does not accept"));
    }
    if !sign::takes(keys, signature.algorithm) {
        return nothing(format!("is by {}, which {rpm} does not verify", info.algorithm));
    }
    if signature.ahead > SKEW && !packaging.accepts.signatures.later_than_clock {
        let ahead = match signature.ahead / 3600 {
            0 => format!("{} minutes", signature.ahead / 60),
            hours @ 1..48 => format!("{hours} hours"),
            hours => format!("{} days", hours / 24),
        };
        return nothing(format!(
            "is dated {ahead} later than it is by this machine's clock, and {rpm} takes none from the future"
        ));
    }
    let unknown = signature.critical.iter().find(|one| !keys.critical_subpackets || **one == NOTATION);
    if let Some(number) = unknown {
        return Worth::Damaged(format!(
            "{named} has a subpacket marked as critical ({number}), which {rpm} does not know"
        ));
    }
    match &signature.judged {
        Judged::NoKeys => Worth::Counts,
        Judged::Refused { reason, .. } => nothing(reason.clone()),
        Judged::Good { by } if by.is_early() && !packaging.accepts.signatures.earlier_than_key => {
            nothing(format!("is dated before its key was made, which is a bad one to {rpm}"))
        }
        Judged::Good { by } => match sign::refusal(keys, by.form) {
            Some(reason) => nothing(format!("does not count: {reason}")),
            None => Worth::Counts,
        },
    }
}
