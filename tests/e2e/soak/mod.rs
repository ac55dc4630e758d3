//! The proof: random acts against a small oracle, over every route, with every byte looked at.
//!
//! `make test` runs a short one. `VOUCH_SOAK=1000000` sets how many checks it goes on for (`make soak`),
//! and `VOUCH_SEED` repeats a run: the same seed gives the same acts. docs/proofs.md says what it shows.

mod acts;
mod checks;
mod house;
mod oracle;
mod races;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;

use self::checks::Overtaken;
use self::house::House;
use self::oracle::{Id, Names, Oracle};
use crate::world::{Company, loudly};

/// Checks of the short run.
const SHORT: u64 = 50_000;
/// Acts of the short run in which readers are overtaken.
const OVERTAKING: u64 = 25;

/// Numbers that look random and follow from a seed.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

/// How far it goes: so many checks, or what `VOUCH_SOAK` says.
pub(crate) fn wanted(short: u64) -> u64 {
    let set = std::env::var("VOUCH_SOAK").ok();
    set.map_or(short, |text| text.parse().expect("VOUCH_SOAK is a number"))
}

/// `VOUCH_SEED`, or one of its own. It is printed, so that a run can be repeated.
pub(crate) fn seed(test: &str) -> u64 {
    let set = std::env::var("VOUCH_SEED").ok();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let own = u64::from(now.subsec_nanos()) ^ now.as_secs();
    let seed = set.map_or(own, |text| text.parse().expect("VOUCH_SEED is a number"));
    println!("{test}: VOUCH_SEED={seed}");
    seed
}

/// Says what a run did: loudly where it was asked to be long.
pub(crate) fn report(said: &str) {
    match std::env::var_os("VOUCH_SOAK") {
        Some(_) => loudly(said),
        None => println!("{said}"),
    }
}

/// What was looked at.
#[derive(Debug, Default)]
struct Tally {
    acts: u64,
    checks: u64,
    responses: u64,
    /// Documents that had to be found, and were.
    found: u64,
    /// Documents that had to open, and did.
    opened: u64,
    /// How often each route was pried at.
    pried: BTreeMap<String, u64>,
    /// How often each act was done.
    done: BTreeMap<String, u64>,
}

/// A run under way.
pub(crate) struct Soak {
    house: House,
    oracle: Oracle,
    seed: u64,
    /// Chooses acts. It is rolled for nothing else, so that a seed always gives the same ones.
    dice: Dice,
    /// Chooses what is looked at.
    looks: Dice,
    story: VecDeque<String>,
    tally: Tally,
    first: Vec<(Id, usize)>,
    /// Every route that takes GET, as the server declares them.
    gets: Vec<String>,
    agreements: u64,
    /// Canaries that were asked for, and that somebody has lawfully met.
    typed: Names,
    shown: Names,
}

impl Soak {
    async fn open(seed: u64) -> Self {
        let house = House::open(Company::holding(&[]), &BTreeMap::new()).await;
        let declared = vouch::http::declared().into_iter();
        let gets = declared.filter(|route| route.method == Method::GET).map(|route| route.path);
        // Files that are compiled in are the same for everybody.
        let gets = gets.filter(|path| !path.starts_with("/static/"));
        let mut soak = Self {
            house,
            oracle: Oracle::default(),
            seed,
            dice: Dice::new(seed),
            looks: Dice::new(!seed),
            story: VecDeque::new(),
            tally: Tally::default(),
            first: Vec::new(),
            gets: gets.collect(),
            agreements: 0,
            typed: Names::new(),
            shown: Names::new(),
        };
        soak.furnish().await;
        soak
    }

    /// What a failure says: how to repeat it, and what went before.
    fn story(&self) -> String {
        let acts = self.story.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
        format!("\nVOUCH_SEED={} act {}, the last ones:\n  {acts}", self.seed, self.tally.acts)
    }

    /// Chooses what is done next.
    fn next(&mut self) -> acts::Act {
        let act = acts::choose(&mut self.dice, &mut self.oracle);
        let told = format!("{act:?}");
        let name = told.split([' ', '{']).next().unwrap_or_default().to_owned();
        *self.tally.done.entry(name).or_default() += 1;
        self.tally.acts += 1;
        self.story.push_back(told);
        if self.story.len() > 12 {
            self.story.pop_front();
        }
        act
    }

    /// One act, with what must hold after it.
    async fn step(&mut self) {
        let act = self.next();
        // Nobody may hold on to a server that is to end.
        let before = match matches!(act, acts::Act::Restart) {
            true => None,
            false => Some(Overtaken::of(self.house.app()).await),
        };
        if self.act(act).await {
            self.house.settled().await;
        }
        if let Some(before) = before {
            self.overtaken_open(&before).await;
            self.overtaken(before).await;
        }
        self.at_once().await;
        self.fully().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_3_a_reader_who_was_overtaken_by_a_change_finds_nothing_of_what_went_away() {
    let mut soak = Soak::open(seed("overtaken")).await;
    for _ in 0..OVERTAKING {
        let act = soak.next();
        let before = Overtaken::of(soak.house.app()).await;
        if matches!(act, acts::Act::Restart) {
            continue;
        }
        if soak.act(act).await {
            soak.house.settled().await;
        }
        soak.overtaken(before).await;
    }
    let Tally { checks, responses, .. } = soak.tally;
    println!("{checks} checks in {responses} responses");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_2_to_6_whatever_happens_nobody_gets_a_foreign_byte_or_misses_an_own_one() {
    let begun = Instant::now();
    let mut soak = Soak::open(seed("soak")).await;
    let wanted = wanted(SHORT);
    while soak.tally.checks < wanted {
        soak.step().await;
    }
    let verified = soak.house.alice().get("/v1/admin/audit/verify").await.json();
    assert_eq!(verified["ok"], true, "{verified}");
    let Tally { acts, checks, responses, found, opened, .. } = soak.tally;
    // Silence must mean that there was something to see, and something to hide. How much is there to see
    // is a matter of the seed: a world in which much is paused and revoked stays so.
    assert!(found > checks / 50 && opened > 0, "too little was visible: {:?}", soak.tally);
    assert!(house::log_lines() > 100, "the log was not looked at");
    let said = format!(
        "{checks} checks in {responses} responses after {acts} acts, {found} finds, {opened} opened, \
         {} agreed to, in {:?}; VOUCH_SEED={}\n{:?}\n{:?}",
        soak.agreements,
        begun.elapsed(),
        soak.seed,
        soak.tally.done,
        soak.tally.pried
    );
    report(&said);
}
