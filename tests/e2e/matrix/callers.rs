//! The kinds of callers, and what a policy promises each.

use vouch::http::Policy;

/// A kind of caller. Those whose credential does not count come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nobody,
    Expired,
    WrongAudience,
    RevokedKey,
    Reader,
    OtherReader,
    Approver,
    Owner,
    Auditor,
    Administrator,
    AdministratorsKey,
    PushersKey,
    WidgetsKey,
    /// A token for the approver, which a widget's key had made.
    Lent,
    /// Somebody who is all that the others are, and is blocked.
    Blocked,
    /// The reader, while the assistant is stopped.
    Stopped,
}

use Kind::{
    Administrator, AdministratorsKey, Approver, Auditor, Blocked, Expired, Lent, Nobody,
    OtherReader, Owner, PushersKey, Reader, RevokedKey, Stopped, WidgetsKey, WrongAudience,
};

/// Every kind of caller, in the order of the enum.
pub(super) const KINDS: [Kind; 16] = [
    Nobody,
    Expired,
    WrongAudience,
    RevokedKey,
    Reader,
    OtherReader,
    Approver,
    Owner,
    Auditor,
    Administrator,
    AdministratorsKey,
    PushersKey,
    WidgetsKey,
    Lent,
    Blocked,
    Stopped,
];

impl Kind {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Nobody => "none",
            Expired => "expired",
            WrongAudience => "wrong-aud",
            RevokedKey => "revoked",
            Reader => "reader",
            OtherReader => "other",
            Approver => "approver",
            Owner => "owner",
            Auditor => "auditor",
            Administrator => "admin",
            AdministratorsKey => "admin-key",
            PushersKey => "pusher-key",
            WidgetsKey => "widget-key",
            Lent => "lent",
            Blocked => "blocked",
            Stopped => "stopped",
        }
    }

    /// A letter for the things that this caller's calls are about: what one call changes must not
    /// decide how the next one ends.
    pub(super) fn letter(self) -> char {
        char::from(b'a' + self as u8)
    }

    pub(super) fn administers(self) -> bool {
        matches!(self, Administrator | AdministratorsKey)
    }

    fn counts(self) -> bool {
        !matches!(self, Nobody | Expired | WrongAudience | RevokedKey)
    }

    fn is_a_person(self) -> bool {
        self.counts() && !matches!(self, AdministratorsKey | PushersKey | WidgetsKey)
    }
}

/// What a policy promises a caller, written down once more and without a look at the product.
pub(super) fn promised(policy: Policy, kind: Kind) -> Result<(), u16> {
    let allowed = |yes: bool, else_status: u16| if yes { Ok(()) } else { Err(else_status) };
    if matches!(policy, Policy::Open | Policy::Demo | Policy::SignIn | Policy::Slack) {
        return Ok(());
    }
    if !kind.counts() {
        return Err(401);
    }
    if kind == Blocked {
        return Err(403);
    }
    if kind == Stopped {
        let reads = matches!(policy, Policy::Reader | Policy::ItsReader);
        return if reads { Err(503) } else { promised(policy, Reader) };
    }
    match policy {
        Policy::Open | Policy::Demo | Policy::SignIn | Policy::Slack | Policy::Anybody => Ok(()),
        Policy::Reader => allowed(kind.is_a_person(), 403),
        Policy::ItsReader => allowed(kind == Reader, if kind.is_a_person() { 404 } else { 403 }),
        Policy::ItsKeepers => allowed(kind.administers() || matches!(kind, Owner | Approver), 404),
        Policy::ItsOverseers => {
            allowed(kind.administers() || matches!(kind, Owner | Approver | Auditor), 404)
        }
        Policy::ItsOwner => {
            let status = if kind == Approver { 403 } else { 404 };
            allowed(kind.administers() || kind == Owner, status)
        }
        Policy::ItsApprover => {
            allowed(kind == Approver, if kind.administers() { 403 } else { 404 })
        }
        Policy::ItsApproverAlone => allowed(kind == Approver, 404),
        Policy::ItsPusher => allowed(kind.administers() || kind == PushersKey, 403),
        Policy::Lender => allowed(kind == WidgetsKey, 403),
        Policy::Auditor => allowed(kind.administers() || kind == Auditor, 403),
        Policy::Administrator => allowed(kind.administers(), 403),
    }
}
