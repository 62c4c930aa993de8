//! Races of sessions: what three requests do at once, and what must hold when all are done.
//!
//! The embedded store's futures are ready at once, so that threads stand for tasks; where a commit
//! waits for its turn, shuttle lets the others run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessile::id::SessionId;
use sessile::session::{Session, Sessions, WhenReached};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock, SessionStore as _, Terms};
use shuttle::future::block_on;

/// Which race is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Race {
    /// Two requests write while a third one logs out (S27).
    CommitsAgainstDestroy,
    /// Three requests ask for a new id (S30).
    Rotations,
    /// Three requests add to the same number, and write a name of their own (S28).
    Additions,
    /// Three requests sign in where one session is allowed.
    OwnerLimit(WhenReached),
    /// One request rotates and one writes, while all sessions of the owner are ended (S25).
    EndAll,
    /// Three requests come when the id is due: each adds to the same number, and renews (S13).
    Renewals,
    /// Two of them, while all sessions of the owner are ended.
    RenewalsAgainstEndAll,
}

impl Race {
    fn renews(self) -> bool {
        matches!(self, Self::Renewals | Self::RenewalsAgainstEndAll)
    }
}

/// Who does the work: the crate, or a twin with the mistake that each race is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Ours,
    Planted,
}

/// When ids are renewed, and when nothing leads from the old ones any more.
const AFTER: Duration = Duration::from_secs(3600);
const OVERLAP: Duration = Duration::from_secs(10);
const OWNER: &str = "owner";
const CLIENTS: usize = 3;

struct Scene {
    clock: ManualClock,
    cache: Arc<Cache>,
    sessions: Sessions<CacheStore>,
    /// The session that all begin with.
    id: SessionId,
    maker: Maker,
    /// Ids that requests were left with.
    ids: Mutex<Vec<SessionId>>,
    done: Mutex<usize>,
}

/// Runs the race once, under the schedule that shuttle chose, and says what is wrong afterwards.
pub(crate) fn run(race: Race, maker: Maker) -> Result<(), String> {
    let scene = Arc::new(Scene::new(race, maker));
    let threads: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let scene = Arc::clone(&scene);
            shuttle::thread::spawn(move || scene.act(race, client))
        })
        .collect();
    let acts = threads.into_iter().map(|thread| thread.join());
    let acts: Vec<Result<(), String>> = acts.map(|act| act.expect("no panic")).collect();
    acts.into_iter().collect::<Result<(), String>>()?;
    scene.judge(race)
}

impl Scene {
    fn new(race: Race, maker: Maker) -> Self {
        let clock = ManualClock::new();
        let cache = Cache::builder().shards(1).unlimited_entries();
        let cache = Arc::new(cache.clock(clock.clone()).build().expect("valid"));
        let mut builder = Sessions::builder(CacheStore::new(Arc::clone(&cache)));
        builder = builder.clock(clock.clone());
        if race.renews() {
            builder = builder.renew_ids_after(AFTER);
        }
        if let (Race::OwnerLimit(when), Maker::Ours) = (race, maker) {
            builder = builder.owner_limit(1, when);
        }
        let sessions = builder.build().expect("valid");
        let session = sessions.fresh();
        session.insert("number", &0).expect("small");
        if matches!(race, Race::EndAll | Race::RenewalsAgainstEndAll) {
            session.bind_owner(OWNER).expect("short");
        }
        block_on(sessions.commit(&session)).expect("room");
        clock.advance(AFTER);
        Self {
            id: session.id().expect("stored"),
            clock,
            cache,
            sessions,
            maker,
            ids: Mutex::default(),
            done: Mutex::default(),
        }
    }

    fn load(&self, id: &SessionId) -> Option<Session> {
        block_on(self.sessions.load(id)).expect("an embedded store")
    }

    /// Whether the commit was made; anything but being told that the session is gone is a fault.
    fn commit(&self, session: &Session) -> Result<bool, String> {
        let done = match block_on(self.sessions.commit(session)) {
            Ok(_) => true,
            Err(error) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::Full) => false,
            Err(error) => return Err(error.to_string()),
        };
        // Asked before: what shuttle does not know must not be held where it may switch threads.
        let id = session.id();
        *self.done.lock().expect("no panics in here") += usize::from(done);
        self.ids.lock().expect("no panics in here").extend(id);
        Ok(done)
    }

    fn act(&self, race: Race, client: usize) -> Result<(), String> {
        if let Race::OwnerLimit(_) = race {
            return self.sign_in();
        }
        // Before the others are done or not at all: who comes later finds nothing to do.
        let Some(session) = self.load(&self.id) else {
            return Ok(());
        };
        match (race, client) {
            (Race::CommitsAgainstDestroy, 0) => {
                session.destroy();
                self.commit(&session).map(drop)
            }
            (Race::CommitsAgainstDestroy, _) => self.write(&session, client),
            (Race::Rotations, _) | (Race::EndAll, 1) => self.rotate(&session),
            (Race::EndAll | Race::RenewalsAgainstEndAll, 0) => self.end_all(),
            (Race::Additions | Race::Renewals, _) => self.add(&session, client),
            // What only reads renews, too, and never fails.
            (Race::RenewalsAgainstEndAll, 1) => match self.commit(&session)? {
                true => Ok(()),
                false => Err("a reader was refused".to_owned()),
            },
            _ => self.write(&session, client),
        }
    }

    fn write(&self, session: &Session, client: usize) -> Result<(), String> {
        session
            .insert(&format!("name {client}"), &client)
            .map_err(|it| it.to_string())?;
        if self.maker == Maker::Ours {
            return self.commit(session).map(drop);
        }
        // Looks whether the record is there, and then writes it.
        let (store, key) = (self.sessions.store(), self.sessions.key(&self.id));
        let found = block_on(store.load(key.as_ref())).expect("an embedded store");
        if let Some(found) = found {
            let terms = Terms::ttl(Duration::from_secs(60));
            block_on(store.put(key.as_ref(), found.value, terms)).expect("room");
        }
        Ok(())
    }

    fn rotate(&self, session: &Session) -> Result<(), String> {
        if self.maker == Maker::Ours {
            session.cycle_id();
            return self.commit(session).map(drop);
        }
        // The new record first, and then away with the old one, whatever became of it.
        let copy = self.sessions.fresh();
        copy.insert("number", &0).expect("small");
        self.commit(&copy)?;
        let key = self.sessions.key(&self.id);
        block_on(self.sessions.store().remove(key.as_ref())).expect("an embedded store");
        Ok(())
    }

    fn add(&self, session: &Session, client: usize) -> Result<(), String> {
        session
            .insert(&format!("name {client}"), &client)
            .expect("small");
        let added = |number: Option<usize>| Some(number.unwrap_or(0) + 1);
        match self.maker {
            Maker::Ours => session.modify("number", added),
            // Reads, and writes what was read and one more.
            Maker::Planted => {
                let number = session.get("number").expect("a number");
                session.insert("number", &added(number))
            }
        }
        .expect("small");
        match self.commit(session)? {
            true => Ok(()),
            false => Err("an addition was refused".to_owned()),
        }
    }

    fn sign_in(&self) -> Result<(), String> {
        // The twin, whose manager knows no limit, counts first.
        if self.maker == Maker::Planted {
            let listed = block_on(self.sessions.list(OWNER, None)).expect("an embedded store");
            if !listed.is_empty() {
                return Ok(());
            }
        }
        let session = self.sessions.fresh();
        session.bind_owner(OWNER).expect("short");
        self.commit(&session).map(drop)
    }

    fn end_all(&self) -> Result<(), String> {
        match self.maker {
            Maker::Ours => block_on(self.sessions.end_all(OWNER, None)).map(drop),
            // One look, at records only.
            Maker::Planted => {
                let key = self.sessions.key(&self.id);
                block_on(self.sessions.store().remove(key.as_ref())).map(drop)
            }
        }
        .map_err(|it| it.to_string())?;
        match self.load(&self.id) {
            Some(_) => Err("an ended session is still good".to_owned()),
            None => Ok(()),
        }
    }

    /// What must hold when all are done, and the old ids lead nowhere any more.
    fn judge(&self, race: Race) -> Result<(), String> {
        let mut ids = std::mem::take(&mut *self.ids.lock().expect("no panics in here"));
        ids.push(self.id);
        if race.renews() {
            self.clock.advance(OVERLAP);
            self.cache.maintain(usize::MAX);
        }
        let live = (0..ids.len()).filter(|&at| !ids[..at].contains(&ids[at]));
        let live = live.filter(|&at| self.load(&ids[at]).is_some()).count();
        let records = self.cache.len();
        let done = *self.done.lock().expect("no panics in here");
        let said = format!("{live} live ids, {records} records, {done} commits");
        let holds = match race {
            // No session came back, and none was left under an id that nobody knows.
            Race::CommitsAgainstDestroy | Race::EndAll | Race::RenewalsAgainstEndAll => {
                live == 0 && records == 0
            }
            Race::Rotations => live == 1 && records == 1 && done > 0,
            Race::Additions | Race::Renewals => {
                let session = ids.iter().find_map(|id| self.load(id));
                let session = session.ok_or("it is gone")?;
                let number: Option<usize> = session.get("number").expect("a number");
                live == 1 && records == 1 && number == Some(done) && session.len() == CLIENTS + 1
            }
            // Beside the session that was there.
            Race::OwnerLimit(WhenReached::Refuse) => live == 2 && records == 2 && done == 1,
            Race::OwnerLimit(_) => live == 2 && records == 2,
        };
        holds.then_some(()).ok_or(said)
    }
}
