//! Lobbies in Redis. A lobby is in the slot of its room, so that a change and the notice of it are one step; which lobby a
//! user is in (their *claim*) is in the slot of the user's room; and the list is in the slot of `pool`. Nothing changes two of
//! them at once, so the order of the steps is what keeps them right:
//!
//! - Entering: the claim is taken for a short time, then the lobby is entered, then the claim is kept. A claim decides; who
//!   is found in a lobby that is not their claim's is taken out ([`life`]).
//! - Making: before that, the lobby is put where it will be looked at, and after that into the list. Whoever looks at it
//!   later brings the list in order.
//! - Leaving: first the lobby, then the claim. A claim of a lobby that the user is not in says nothing, and is dropped by
//!   who meets it.

mod life;
mod steps;

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_protocol::lobby::LobbyCursor;
use hallway_protocol::{Lobby, LobbyId, UserId};

use super::RedisBus;
use crate::{BusError, Comer, Entered, Left, Lobbies, LobbiesPage, LobbyTerms, NewLobby};
use steps::{Claim, Due, Entry, Steps};

/// How long a claim lives while its user is on the way into the lobby: longer than the steps between may take.
const ENTERING: Duration = Duration::from_secs(10);
/// How long to wait for another request of the same user, and how often to look.
const BESIDE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);

/// How long a claim lives that is kept: longer than any member's time, which is counted from the same renewal.
fn claims_life(terms: LobbyTerms) -> Duration {
    terms.life + terms.grace + Duration::from_secs(60)
}

/// What a user has to be in to enter a lobby.
enum Way {
    /// A claim of their own.
    Free(Claim),
    /// None: another request of theirs has brought them into that lobby.
    InAlready,
    /// They are in another lobby.
    Blocked(Lobby),
}

impl Steps {
    /// Claims a lobby for a user. A claim that they do not stand behind any more is dropped.
    async fn claim(&self, lobby: LobbyId, user: &UserId) -> Result<Way, BusError> {
        let until = Instant::now() + BESIDE;
        loop {
            let claim = Claim::new(lobby);
            let Some(there) = self.take_claim(user, &claim, ENTERING).await? else {
                return Ok(Way::Free(claim));
            };
            match self.read_one(there.lobby).await? {
                Some(found) if found.has(user) && found.lobby_id == lobby => return Ok(Way::InAlready),
                Some(found) if found.has(user) => return Ok(Way::Blocked(found)),
                _ if there.is_kept() => self.drop_claim(user, &there).await?,
                _ if Instant::now() >= until => return Err(BusError::Busy),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn create(self, new: NewLobby, comer: Comer, terms: LobbyTerms) -> Result<Entered, BusError> {
        let claim = match self.claim(new.id, &comer.user).await? {
            Way::Free(claim) => claim,
            Way::InAlready => return Err(BusError::Busy),
            Way::Blocked(lobby) => return Ok(Entered::Elsewhere(lobby)),
        };
        self.list(vec![Entry::due(new.id, Due::After(ENTERING))]).await?;
        let lobby = self.make(&new, &comer, terms).await?;
        if !self.keep_claim(&comer.user, &claim, claims_life(terms)).await? {
            return self.back_out(lobby.lobby_id, comer.user, terms).await;
        }
        self.list(vec![Entry::there(&lobby, Due::After(terms.life))]).await?;
        Ok(Entered::In(lobby))
    }

    async fn join(self, id: LobbyId, comer: Comer, terms: LobbyTerms) -> Result<Entered, BusError> {
        let claim = match self.claim(id, &comer.user).await? {
            Way::Free(claim) => Some(claim),
            Way::InAlready => None,
            Way::Blocked(lobby) => return Ok(Entered::Elsewhere(lobby)),
        };
        let (entered, is_new) = self.enter(id, &comer, terms).await?;
        let Entered::In(lobby) = &entered else {
            if let Some(claim) = &claim {
                self.drop_claim(&comer.user, claim).await?;
            }
            return Ok(entered);
        };
        if let Some(claim) = &claim
            && !self.keep_claim(&comer.user, claim, claims_life(terms)).await?
        {
            // Who was in it before stays, by the claim that the next renewal makes.
            if is_new {
                return self.back_out(id, comer.user, terms).await;
            }
        }
        if is_new {
            self.list(vec![Entry::changed(lobby)]).await?;
        }
        Ok(entered)
    }

    /// The claim was over before the lobby was entered, and the user may be in another by now.
    async fn back_out(&self, id: LobbyId, user: UserId, terms: LobbyTerms) -> Result<Entered, BusError> {
        self.take_out(id, Some(&user), terms).await?;
        Err(BusError::Timeout)
    }

    /// Takes someone, or everyone, out of a lobby, and says so in `pool`.
    async fn take_out(&self, id: LobbyId, user: Option<&UserId>, terms: LobbyTerms) -> Result<Option<Left>, BusError> {
        let Some((at, lobby)) = self.leave_record(id, user, terms).await? else {
            return Ok(None);
        };
        let ended = lobby.members.is_empty();
        let entry = if ended { Entry::gone(id) } else { Entry::changed(&lobby) };
        self.list(vec![entry]).await?;
        Ok(Some(Left { lobby: id, ended, at }))
    }

    async fn leave(self, user: UserId, terms: LobbyTerms) -> Result<Option<Left>, BusError> {
        let Some(claim) = self.read_claim(&user).await? else {
            return Ok(None);
        };
        let left = self.take_out(claim.lobby, Some(&user), terms).await?;
        if claim.is_kept() {
            self.drop_claim(&user, &claim).await?;
        }
        Ok(left)
    }

    async fn of_user(self, user: UserId) -> Result<Option<Lobby>, BusError> {
        let Some(claim) = self.read_claim(&user).await? else {
            return Ok(None);
        };
        let lobby = self.read_one(claim.lobby).await?;
        Ok(lobby.filter(|lobby| lobby.has(&user)))
    }

    /// Those that are not there any more, or not yet, are passed over, so a page is filled from what follows.
    async fn page(self, mut after: Option<LobbyCursor>, limit: usize) -> Result<LobbiesPage, BusError> {
        let mut page = LobbiesPage::default();
        while page.lobbies.len() < limit {
            let wanted = limit - page.lobbies.len();
            let places = self.places(after, wanted).await?;
            let is_end = places.len() < wanted;
            after = places.last().copied().or(after);
            let ids = places.iter().map(|place| place.lobby_id).collect();
            page.lobbies.extend(self.read(ids).await?.into_iter().flatten());
            if is_end {
                return Ok(page);
            }
        }
        page.next = after;
        Ok(page)
    }
}

impl RedisBus {
    fn steps(&self) -> Steps {
        Steps(self.asker())
    }
}

impl Lobbies for RedisBus {
    fn create_lobby(
        &self,
        new: NewLobby,
        comer: Comer,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Entered, BusError>> {
        self.steps().create(new, comer, terms).boxed()
    }

    fn join_lobby(
        &self,
        id: LobbyId,
        comer: Comer,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Entered, BusError>> {
        self.steps().join(id, comer, terms).boxed()
    }

    fn leave_lobby(&self, user: UserId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>> {
        self.steps().leave(user, terms).boxed()
    }

    fn end_lobby(&self, id: LobbyId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>> {
        let steps = self.steps();
        async move { steps.take_out(id, None, terms).await }.boxed()
    }

    fn lobby_of(&self, user: UserId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>> {
        self.steps().of_user(user).boxed()
    }

    fn lobby(&self, id: LobbyId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>> {
        let steps = self.steps();
        async move { steps.read_one(id).await }.boxed()
    }

    fn list_lobbies(
        &self,
        after: Option<LobbyCursor>,
        limit: usize,
    ) -> BoxFuture<'static, Result<LobbiesPage, BusError>> {
        self.steps().page(after, limit).boxed()
    }
}
