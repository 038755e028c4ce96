//! What a component may import to compare texts: declarations, which are kept for the end of `configure`, and questions.

use super::bindings::trackside::router::types::Failure;
use super::bindings::trackside::router::{artefact, embeddings, neighbours};
use super::host::failure;
use crate::capability::EmbedFailure;
use crate::declared::{Built, Declaration, MOST_CLASSES, MOST_CLUSTERED, MOST_TEXTS, Recipe};
use crate::state::State;
use crate::vectors::{Clustering, Compare, HeadMethod, Nearest, VectorsFailure};
use std::sync::Arc;
use std::time::Instant;

/// Most banks that one call may ask: more than there can be rules of a type.
const MOST_QUESTIONS: usize = 1000;
/// Most texts that one call may have ranked: more tools than any client offers.
const MOST_RANKED: usize = 256;

impl From<EmbedFailure> for Failure {
    fn from(reason: EmbedFailure) -> Self {
        failure(reason.kind(), reason.to_string())
    }
}

impl From<VectorsFailure> for Failure {
    fn from(reason: VectorsFailure) -> Self {
        let kind = match reason {
            VectorsFailure::OtherModel { .. } => "other-model",
            VectorsFailure::Invalid(_) => "invalid-vectors",
        };
        failure(kind, reason.to_string())
    }
}

fn check(holds: bool, kind: &str, message: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failure(kind, message())) }
}

fn check_count(count: usize, most: usize, what: &str) -> Result<(), Failure> {
    check(count <= most, "too-large", || format!("there are {count} {what}, expected at most {most}"))
}

impl State {
    /// Whether texts can be embedded and things be declared now.
    fn check_declaring(&self) -> Result<(), Failure> {
        check(self.current.is_none(), "invalid-call", || "it can be declared in configure alone".to_owned())?;
        self.check_model()
    }

    fn check_model(&self) -> Result<(), Failure> {
        if self.scope.embed.available() { Ok(()) } else { Err(EmbedFailure::Unavailable.into()) }
    }

    fn declare(&mut self, name: String, declaration: Declaration) -> Result<(), Failure> {
        self.declared.add(name, declaration).map_err(|limit| failure("too-large", limit))
    }

    /// What was declared under a name, for questions about a request.
    fn kept(&self, name: &str) -> Result<&Built, Failure> {
        check(self.current.is_some(), "invalid-call", || "there is no request to ask for".to_owned())?;
        self.check_model()?;
        let kept = self.scope.kept.get().and_then(|kept| kept.get(name));
        kept.map(|built| &**built).ok_or_else(|| unknown(name))
    }

    fn kept_bank(&self, name: &str) -> Result<Arc<dyn Compare>, Failure> {
        match self.kept(name)? {
            Built::Bank(bank) => Ok(Arc::clone(bank)),
            Built::Head(_) | Built::Index(..) => Err(unknown(name)),
        }
    }

    fn kept_head(&self, name: &str) -> Result<Arc<dyn Compare>, Failure> {
        match self.kept(name)? {
            Built::Head(head) => Ok(Arc::clone(head)),
            Built::Bank(_) | Built::Index(..) => Err(unknown(name)),
        }
    }

    fn kept_index(&self, name: &str) -> Result<Arc<dyn Nearest>, Failure> {
        match self.kept(name)? {
            Built::Index(_, index) => Ok(Arc::clone(index)),
            Built::Bank(_) | Built::Head(_) => Err(unknown(name)),
        }
    }

    /// The vector of a text: that of the request's table, when there is a request. What goes wrong is noted there, as the
    /// component may well go on without.
    async fn vector(&self, text: &str) -> Result<Arc<[f32]>, Failure> {
        let embed = &*self.scope.embed;
        let deadline = self.embedding_deadline();
        let Some(request) = &self.current else { return Ok(embed.embed(text, deadline).await?) };
        request.embeddings().of(text, embed, deadline).await.map_err(|reason| self.noted(reason))
    }

    /// The vectors of texts that nobody else asks about.
    async fn vectors(&self, texts: &[String]) -> Result<Vec<Arc<[f32]>>, Failure> {
        let vectors = self.scope.embed.embed_all(texts, self.embedding_deadline()).await;
        vectors.map_err(|reason| self.noted(reason))
    }

    /// What is left goes to the component, so that it can still answer without the embedding.
    fn embedding_deadline(&self) -> Instant {
        Instant::now() + self.remaining() / 10 * 9
    }

    fn noted(&self, reason: EmbedFailure) -> Failure {
        if let Some(request) = &self.current {
            request.embeddings().note(&self.scope.component, &reason);
        }
        reason.into()
    }
}

fn unknown(name: &str) -> Failure {
    let shown = name.get(..name.floor_char_boundary(64)).unwrap_or_default();
    failure("unknown-name", format!("configure declared nothing of this kind under the name \"{shown}\""))
}

impl artefact::Host for State {
    fn read(&mut self) -> Option<Vec<u8>> {
        let configuring = self.current.is_none();
        self.scope.artefact.as_ref().filter(|_| configuring).map(|bytes| bytes.to_vec())
    }
}

impl embeddings::Host for State {
    async fn available(&mut self) -> bool {
        self.scope.embed.available()
    }

    async fn bank(&mut self, name: String, texts: Vec<String>) -> Result<(), Failure> {
        self.check_declaring()?;
        check_count(texts.len(), MOST_TEXTS, "texts in a bank")?;
        self.declare(name, Declaration::Texts(Recipe::Bank { texts }))
    }

    async fn prototypes(
        &mut self,
        name: String,
        texts: Vec<String>,
        how: embeddings::Clustering,
    ) -> Result<(), Failure> {
        self.check_declaring()?;
        check_count(texts.len(), MOST_CLUSTERED, "texts to pick prototypes from")?;
        check((-1.0..=1.0).contains(&how.similarity), "invalid-argument", || {
            format!("the similarity of a cluster is {}, expected -1 to 1", how.similarity)
        })?;
        let most = usize::try_from(how.most).unwrap_or(usize::MAX);
        let how = Clustering { similarity: how.similarity, most };
        self.declare(name, Declaration::Texts(Recipe::Prototypes { texts, how }))
    }

    async fn head(&mut self, name: String, method: String, classes: Vec<Vec<String>>) -> Result<(), Failure> {
        self.check_declaring()?;
        let method = HeadMethod::named(&method);
        let method = method.ok_or_else(|| failure("invalid-argument", "a head's method is mean or linear"))?;
        check_count(classes.len(), MOST_CLASSES, "classes of a head")?;
        check_count(classes.iter().map(Vec::len).sum(), MOST_TEXTS, "texts of a head")?;
        let least = method.least_classes();
        check(classes.len() >= least, "invalid-argument", || {
            format!("there are {} classes of a head, expected at least {least}", classes.len())
        })?;
        let empty = classes.iter().position(Vec::is_empty);
        check(empty.is_none(), "invalid-argument", || {
            format!("class {} of a head has no text", empty.unwrap_or_default())
        })?;
        self.declare(name, Declaration::Texts(Recipe::Head { method, classes }))
    }

    async fn similarities(&mut self, bank: String, text: String) -> Result<Vec<f32>, Failure> {
        let bank = self.kept_bank(&bank)?;
        Ok(bank.compare(&self.vector(&text).await?)?)
    }

    async fn scores(
        &mut self,
        text: String,
        questions: Vec<embeddings::BankQuery>,
    ) -> Result<Vec<embeddings::BankScore>, Failure> {
        check_count(questions.len(), MOST_QUESTIONS, "questions")?;
        let mut asked = Vec::with_capacity(questions.len());
        for question in &questions {
            check((0.0..=1.0).contains(&question.best_weight), "invalid-argument", || {
                format!("the weight of the best is {}, expected 0 to 1", question.best_weight)
            })?;
            asked.push((self.kept_bank(&question.bank)?, question));
        }
        let vector = self.vector(&text).await?;
        let mut scores = Vec::with_capacity(asked.len());
        for (bank, question) in asked {
            // Guest code is stopped at its deadline; what is computed for it has to look itself.
            check(!self.remaining().is_zero(), "deadline", || "the deadline has passed".to_owned())?;
            scores.push(score(bank.compare(&vector)?, question));
        }
        Ok(scores)
    }

    async fn classify(&mut self, head: String, text: String) -> Result<Vec<f32>, Failure> {
        let head = self.kept_head(&head)?;
        Ok(head.compare(&self.vector(&text).await?)?)
    }

    async fn similarity(&mut self, a: String, b: String) -> Result<f32, Failure> {
        let pair = [self.vector(&a).await?, self.vector(&b).await?];
        let [a, b] = &pair;
        let bank = self.scope.capabilities.vectors.bank(std::slice::from_ref(a))?;
        Ok(bank.compare(b)?.first().copied().unwrap_or_default())
    }

    async fn rank(&mut self, text: String, others: Vec<String>) -> Result<Vec<f32>, Failure> {
        check_count(others.len(), MOST_RANKED, "texts to rank")?;
        let vector = self.vector(&text).await?;
        let others = self.vectors(&others).await?;
        Ok(self.scope.capabilities.vectors.bank(&others)?.compare(&vector)?)
    }
}

/// The weighted score of similarities, of which there may be none.
fn score(mut similarities: Vec<f32>, question: &embeddings::BankQuery) -> embeddings::BankScore {
    let count = similarities.len();
    let top = usize::try_from(question.top).ok().filter(|top| (1..count).contains(top)).unwrap_or(count);
    if top < count {
        similarities.select_nth_unstable_by(top, |a, b| b.total_cmp(a));
        similarities.truncate(top);
    }
    let best = similarities.iter().copied().reduce(f32::max).unwrap_or_default();
    let support = similarities.iter().sum::<f32>() / top.max(1) as f32;
    let score = question.best_weight * best + (1.0 - question.best_weight) * support;
    embeddings::BankScore { score, best, support, prototypes: u32::try_from(count).unwrap_or(u32::MAX) }
}

impl neighbours::Host for State {
    async fn index(&mut self, name: String, vectors: Vec<u8>) -> Result<(), Failure> {
        self.check_declaring()?;
        let index = self.built_index(&name, vectors)?;
        self.declare(name, Declaration::Index(index))
    }

    async fn nearest(&mut self, index: String, text: String, k: u32) -> Result<Vec<neighbours::Hit>, Failure> {
        let index = self.kept_index(&index)?;
        let vector = self.vector(&text).await?;
        let nearest = index.nearest(&vector, usize::try_from(k).unwrap_or(usize::MAX))?;
        let hit = |near: &crate::vectors::Neighbour| neighbours::Hit {
            row: near.row,
            score: near.similarity,
            label: near.label,
        };
        Ok(nearest.iter().map(hit).collect())
    }
}

impl State {
    /// The index in these bytes. That of the first instance is recognised by comparing bytes, which is far quicker than
    /// digesting or reading them.
    fn built_index(&self, name: &str, bytes: Vec<u8>) -> Result<Arc<Built>, Failure> {
        if let Some(built) = self.scope.kept.get().and_then(|kept| kept.get(name))
            && built.bytes() == Some(&bytes)
        {
            return Ok(Arc::clone(built));
        }
        let capabilities = &self.scope.capabilities;
        let model = self.scope.embed.model().ok_or(EmbedFailure::Unavailable)?;
        let artefact = self.scope.artefact.as_ref().filter(|artefact| ***artefact == *bytes);
        let bytes = artefact.map_or_else(|| bytes.into(), |artefact| Arc::clone(artefact.shared()));
        Ok(self.scope.shelf.index(bytes, model, &*capabilities.vectors)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(similarities: &[f32], best_weight: f32, top: u32) -> (f32, f32, f32, u32) {
        let question = embeddings::BankQuery { bank: String::new(), best_weight, top };
        let found = score(similarities.to_vec(), &question);
        (found.score, found.best, found.support, found.prototypes)
    }

    #[test]
    fn a_score_weighs_the_best_against_the_mean_of_the_greatest() {
        let similarities = [0.25, 1.0, -0.5, 0.5];
        assert_eq!(asked(&similarities, 0.75, 2), (0.9375, 1.0, 0.75, 4));
        assert_eq!(asked(&similarities, 0.0, 0), (0.3125, 1.0, 0.3125, 4));
        assert_eq!(asked(&similarities, 0.5, 9), (0.65625, 1.0, 0.3125, 4));
        assert_eq!(asked(&similarities, 1.0, 1), (1.0, 1.0, 1.0, 4));
    }

    #[test]
    fn a_bank_of_opposites_scores_below_zero_and_an_empty_one_zero() {
        assert_eq!(asked(&[-0.5, -1.0], 1.0, 1), (-0.5, -0.5, -0.5, 2));
        assert_eq!(asked(&[], 0.75, 2), (0.0, 0.0, 0.0, 0));
    }
}
