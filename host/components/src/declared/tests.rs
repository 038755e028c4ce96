use super::*;
use crate::capability::{NoModel, Waiting};
use crate::vectors::Neighbour;

/// Embeds a text by its first letter, and remembers what it was asked. Builds what answers with plain products.
#[derive(Default)]
struct Letters(Mutex<Vec<String>>);

struct Rows(Vec<Arc<[f32]>>);

impl Embed for Letters {
    fn available(&self) -> bool {
        true
    }

    fn model(&self) -> Option<&str> {
        Some("letters")
    }

    fn fingerprint(&self) -> Option<&str> {
        Some("letters")
    }

    fn embed<'a>(&'a self, text: &'a str, _: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        self.0.lock().unwrap().push(text.to_owned());
        let axis = text.bytes().next().unwrap_or(b'a') - b'a';
        Box::pin(async move { Ok((0..26).map(|place| f32::from(u8::from(place == axis))).collect()) })
    }
}

impl Compare for Rows {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn compare(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsFailure> {
        Ok(self.0.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect())
    }
}

impl Nearest for Rows {
    fn nearest(&self, _: &[f32], _: usize) -> Result<Vec<Neighbour>, VectorsFailure> {
        Ok(Vec::new())
    }
}

impl Vectors for Letters {
    fn bank(&self, vectors: &[Arc<[f32]>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        Ok(Arc::new(Rows(vectors.to_vec())))
    }

    fn prototypes(&self, texts: &[String], _: &[Arc<[f32]>], how: Clustering) -> Result<Vec<usize>, VectorsFailure> {
        Ok((0..texts.len()).rev().take(how.most).collect())
    }

    fn head(&self, _: HeadMethod, classes: &[Vec<Arc<[f32]>>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        let firsts = classes.iter().map(|class| class.last().cloned());
        Ok(Arc::new(Rows(firsts.collect::<Option<_>>().ok_or(VectorsFailure::Invalid("empty".to_owned()))?)))
    }

    fn index(&self, bytes: &[u8], model: &str) -> Result<Arc<dyn Nearest>, VectorsFailure> {
        match bytes {
            [b'x', ..] => Err(VectorsFailure::OtherModel { made_by: "x".to_owned(), loaded: model.to_owned() }),
            _ => Ok(Arc::new(Rows(Vec::new()))),
        }
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn bank(texts: &[&str]) -> Declaration {
    Declaration::Texts(Recipe::Bank { texts: strings(texts) })
}

fn prototypes(texts: &[&str], most: usize) -> Declaration {
    Declaration::Texts(Recipe::Prototypes { texts: strings(texts), how: Clustering { similarity: 0.9, most } })
}

fn head(method: HeadMethod, classes: &[&[&str]]) -> Declaration {
    Declaration::Texts(Recipe::Head { method, classes: classes.iter().map(|texts| strings(texts)).collect() })
}

fn declare(named: Vec<(&str, Declaration)>) -> Declarations {
    let mut declared = Declarations::default();
    named.into_iter().for_each(|(name, declaration)| declared.add(name.to_owned(), declaration).unwrap());
    declared
}

async fn keep(declared: Declarations, shelf: &Shelf, world: &Arc<Letters>) -> Kept {
    let vectors: Arc<dyn Vectors> = world.clone();
    Kept::build(declared, shelf, &**world, &vectors).await.unwrap()
}

async fn answer(kept: &Kept, name: &str, text: &str) -> Vec<f32> {
    let vector = Letters::default().embed(text, Instant::now()).await.unwrap();
    match &**kept.get(name).unwrap() {
        Built::Bank(rows) | Built::Head(rows) => rows.compare(&vector).unwrap(),
        Built::Index(..) => panic!("{name} is an index"),
    }
}

#[tokio::test]
async fn everything_is_built_from_its_own_texts() {
    let world = Arc::new(Letters::default());
    let declared = declare(vec![
        ("bank", bank(&["a", "r", "b"])),
        ("few", prototypes(&["a", "b", "c"], 2)),
        ("head", head(HeadMethod::Mean, &[&["a"], &["b", "c"], &["d"]])),
        ("none", bank(&[])),
    ]);
    let kept = keep(declared, &Shelf::default(), &world).await;
    assert_eq!(answer(&kept, "bank", "r").await, [0.0, 1.0, 0.0]);
    assert_eq!(answer(&kept, "few", "b").await, [0.0, 1.0]);
    assert_eq!(answer(&kept, "head", "c").await, [0.0, 1.0, 0.0]);
    assert!(answer(&kept, "none", "c").await.is_empty());
}

#[tokio::test]
async fn a_later_declaration_of_a_name_replaces_the_first() {
    let world = Arc::new(Letters::default());
    let declared = declare(vec![("it", bank(&["a", "b"])), ("it", head(HeadMethod::Mean, &[&["c"]]))]);
    let kept = keep(declared, &Shelf::default(), &world).await;
    assert_eq!(answer(&kept, "it", "c").await, [1.0]);
    assert_eq!(*world.0.lock().unwrap(), ["c"], "what was replaced was embedded");
}

#[tokio::test]
async fn components_that_declare_the_same_share_it_while_one_of_them_lives() {
    let (world, shelf) = (Arc::new(Letters::default()), Shelf::default());
    let first = keep(declare(vec![("a", bank(&["a", "b"]))]), &shelf, &world).await;
    let second = keep(declare(vec![("b", bank(&["a", "b"]))]), &shelf, &world).await;
    assert!(Arc::ptr_eq(first.get("a").unwrap(), second.get("b").unwrap()));
    assert_eq!(*world.0.lock().unwrap(), ["a", "b"]);
    drop((first, second));
    keep(declare(vec![("a", bank(&["a", "b"]))]), &shelf, &world).await;
    assert_eq!(*world.0.lock().unwrap(), ["a", "b", "a", "b"]);
    keep(declare(vec![("c", bank(&["c"]))]), &shelf, &world).await;
    assert_eq!(shelf.0.lock().unwrap().len(), 1, "what is gone is still on the shelf");
}

#[tokio::test]
async fn what_differs_is_told_apart() {
    let world = Arc::new(Letters::default());
    let kept = keep(declare(vec![("it", bank(&["ab", "c"]))]), &Shelf::default(), &world).await;
    assert_eq!(kept.check(&declare(vec![("it", bank(&["ab", "c"]))])), Ok(()));
    let others = [
        bank(&["a", "bc"]),
        bank(&["ab", "c", ""]),
        prototypes(&["ab", "c"], 0),
        head(HeadMethod::Mean, &[&["ab", "c"]]),
        Declaration::Index(Arc::new(Built::Index([].into(), Arc::new(Rows(Vec::new()))))),
    ];
    for other in others {
        assert_eq!(kept.check(&declare(vec![("it", other)])), Err("it".to_owned()));
    }
    assert_eq!(kept.check(&Declarations::default()), Err("it".to_owned()));
    let one_more = declare(vec![("it", bank(&["ab", "c"])), ("more", bank(&[]))]);
    assert_eq!(kept.check(&one_more), Err("more".to_owned()));
    let digests = [
        prototypes(&["a"], 1),
        prototypes(&["a"], 2),
        head(HeadMethod::Mean, &[&["a"], &["b"]]),
        head(HeadMethod::Linear, &[&["a"], &["b"]]),
        head(HeadMethod::Linear, &[&["a", "b"]]),
    ];
    let digests = digests.map(|declaration| match declaration {
        Declaration::Texts(recipe) => recipe.digest(),
        Declaration::Index(_) => panic!("an index has no digest"),
    });
    assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), digests.len());
}

#[test]
fn an_index_is_read_once_and_one_of_another_model_not_at_all() {
    let (world, shelf) = (Letters::default(), Shelf::default());
    let first = shelf.index([1, 2].into(), "letters", &world).unwrap();
    let second = shelf.index([1, 2].into(), "letters", &world).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(first.bytes(), Some(&[1, 2][..]));
    let refused = shelf.index([b'x'].into(), "letters", &world).unwrap_err();
    assert_eq!(refused.to_string(), "the vectors were made by model x, and letters is loaded");
}

#[test]
fn names_and_bytes_are_bounded() {
    let mut declared = Declarations::default();
    for number in 0..MOST_NAMES {
        declared.add(number.to_string(), bank(&[])).unwrap();
    }
    assert!(declared.add("one more".to_owned(), bank(&[])).unwrap_err().contains("1000 names"));
    declared.add("7".to_owned(), bank(&["a"])).unwrap();
    assert!(declared.add("x".repeat(257), bank(&[])).unwrap_err().contains("256 bytes"));
    let much = "x".repeat(MOST_BYTES / 2);
    declared.add("8".to_owned(), bank(&[&much])).unwrap();
    assert!(declared.add("9".to_owned(), bank(&[&much])).unwrap_err().contains("67108864 bytes"));
}

#[tokio::test]
async fn without_a_model_the_name_is_told() {
    let vectors: Arc<dyn Vectors> = Arc::new(Letters::default());
    let failed = Kept::build(declare(vec![("b", bank(&["a"]))]), &Shelf::default(), &NoModel, &vectors).await;
    assert_eq!(failed.unwrap_err(), ("b".to_owned(), EmbedFailure::Unavailable.into()));
}
