use super::*;
use crate::stamp::Stamp;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::thread::sleep;
use std::time::Duration;

fn text(base_dir: &Path) -> Text {
    Text { name: "router.yaml".to_owned(), text: "a: 1".into(), digest: Digest::of(b"a: 1"), base_dir: base_dir.into() }
}

fn model(fingerprint: &str) -> ModelMaterial {
    ModelMaterial { setup: ModelSetup { folder: None, options: Options::default() }, fingerprint: fingerprint.into() }
}

fn material(base_dir: &Path, reading: &Reading) -> Material {
    Material::new(text(base_dir), reading, model("m"))
}

/// What the file systems of this machine may need to let a change show.
fn settle() {
    sleep(Duration::from_millis(80));
}

#[test]
fn a_file_is_read_once_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, stamps) = (folder.path().join("a.wasm"), Arc::default());
    fs::write(&path, "first").unwrap();
    settle();
    let reading = Reading::disk(&stamps);
    assert_eq!(reading.digest(&path, 10).unwrap(), Digest::of(b"first"));
    assert_eq!(reading.take_fresh().len(), 1);
    let again = Reading::disk(&stamps);
    assert_eq!(again.digest(&path, 10).unwrap(), Digest::of(b"first"));
    assert!(again.take_fresh().is_empty(), "a file that had not changed was read again");
    assert_eq!(again.bytes(&path, 10).unwrap().1.as_ref(), b"first", "its bytes can be had all the same");
    // In place and of the same length, then by another file under the name.
    File::options().write(true).open(&path).unwrap().write_all(b"other").unwrap();
    assert_eq!(Reading::disk(&stamps).digest(&path, 10).unwrap(), Digest::of(b"other"));
    fs::write(folder.path().join("b"), "third").unwrap();
    fs::rename(folder.path().join("b"), &path).unwrap();
    assert_eq!(Reading::disk(&stamps).digest(&path, 10).unwrap(), Digest::of(b"third"));
}

#[test]
fn changes_within_one_tick_of_the_clock_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (path, stamps) = (folder.path().join("a"), Arc::default());
    for n in 0..200_u32 {
        fs::write(&path, n.to_be_bytes()).unwrap();
        assert_eq!(Reading::disk(&stamps).digest(&path, 10).unwrap(), Digest::of(&n.to_be_bytes()), "change {n}");
    }
}

#[test]
fn what_is_no_file_of_that_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "12345").unwrap();
    let reading = Reading::disk(&Arc::default());
    assert!(reading.digest(&path, 4).unwrap_err().to_string().contains("more than 4 bytes"));
    assert!(reading.digest(folder.path(), 4).unwrap_err().to_string().contains("regular file"));
    let pipe = folder.path().join("pipe.wasm");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(reading.digest(&pipe, 4).unwrap_err().to_string().contains("regular file"), "a pipe would be waited for");
    let missing = folder.path().join("missing");
    assert_eq!(reading.digest(&missing, 4).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert!(reading.watched().files.contains(&missing), "a file that is missing may come");
}

#[test]
fn material_is_the_same_under_the_next_folder_of_a_config_map() {
    let root = tempfile::tempdir().unwrap();
    let of = |version: &str, content: &str| {
        let base = root.path().join(version);
        fs::create_dir_all(base.join("wasm")).unwrap();
        fs::write(base.join("wasm/a.wasm"), content).unwrap();
        let reading = Reading::disk(&Arc::default());
        for path in reading.wasm_files(&base.join("wasm")).unwrap() {
            reading.digest(&path, 100).unwrap();
        }
        material(&base, &reading)
    };
    let first = of("..1", "a");
    assert_eq!(first, of("..2", "a"));
    assert_ne!(first, of("..3", "b"));
    let other_model = Material { model: model("n"), ..first.clone() };
    assert_ne!(first, other_model);
    let digest = Digest::of(b"a: 2");
    assert_ne!(first, Material { config: Text { digest, ..first.config.clone() }, ..first.clone() });
}

#[test]
fn an_upload_is_read_as_if_it_lay_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.wasm"), "old").unwrap();
    fs::write(folder.path().join("c.wasm"), "c").unwrap();
    for name in ["a.wasm", "b.wasm"] {
        let path = folder.path().join(name);
        let instead = Instead { path: path.clone(), bytes: (*b"new").into() };
        let reading = Reading::disk_but(&Arc::default(), instead);
        assert!(reading.wasm_files(folder.path()).unwrap().contains(&path));
        assert_eq!(reading.digest(&path, 100).unwrap(), Digest::of(b"new"));
        assert_eq!(reading.bytes(&path, 100).unwrap().1.as_ref(), b"new");
        assert_eq!(reading.digest(&folder.path().join("c.wasm"), 100).unwrap(), Digest::of(b"c"));
    }
    assert_eq!(fs::read(folder.path().join("b.wasm")).unwrap(), b"old", "nothing is written");
}

#[test]
fn what_was_read_can_be_had_again_when_the_files_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Arc::new(Archive::open(&folder.path().join("kept")).unwrap());
    let wasm = folder.path().join("wasm");
    fs::create_dir(&wasm).unwrap();
    for (name, content) in [("a.wasm", "a"), ("b.wasm", "b"), ("c.wasm", "c")] {
        fs::write(wasm.join(name), content).unwrap();
    }
    let reading = Reading::disk(&Arc::default());
    for path in reading.wasm_files(&wasm).unwrap() {
        reading.digest(&path, 100).unwrap();
    }
    let material = Arc::new(material(folder.path(), &reading));
    let mut fresh = reading.take_fresh();
    // The second was not archived and is still there, and the third is neither.
    fresh.retain(|digest, _| *digest == Digest::of(b"a"));
    archive.keep(&fresh).unwrap();
    fs::remove_file(wasm.join("a.wasm")).unwrap();
    fs::write(wasm.join("c.wasm"), "another").unwrap();
    fs::write(wasm.join("d.wasm"), "new").unwrap();
    let kept = Reading::kept(Arc::clone(&material), Some(archive));
    let files: Vec<_> = ["a.wasm", "b.wasm", "c.wasm"].map(|name| wasm.join(name)).into();
    assert_eq!(kept.wasm_files(&wasm).unwrap(), files);
    assert_eq!(kept.bytes(&files[0], 100).unwrap().1.as_ref(), b"a");
    assert_eq!(kept.bytes(&files[1], 100).unwrap().1.as_ref(), b"b");
    assert!(kept.bytes(&files[2], 100).is_err());
    assert_eq!(kept.digest(&files[2], 100).unwrap(), Digest::of(b"c"), "the record knows what it was");
    assert!(kept.digest(&wasm.join("d.wasm"), 100).is_err(), "a file that came later was found");
    assert_eq!(*material, Material::new(text(folder.path()), &kept, model("m")));
}

#[test]
fn an_archive_is_private_keeps_what_is_named_and_goes_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    let mine: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(fs::metadata(&mine[0]).unwrap().permissions().mode() & 0o777, 0o700);
    let bytes = [b"one", b"two"].map(|bytes| (Digest::of(bytes), Arc::<[u8]>::from(bytes.as_slice())));
    archive.keep(&bytes.clone().into()).unwrap();
    archive.retain(&BTreeSet::from([Digest::of(b"two")]));
    assert!(archive.read(Digest::of(b"one")).is_err());
    assert_eq!(archive.read(Digest::of(b"two")).unwrap().as_ref(), b"two");
    fs::write(mine[0].join(Digest::of(b"two").to_string()), "twø").unwrap();
    assert_eq!(archive.read(Digest::of(b"two")).unwrap_err().kind(), std::io::ErrorKind::InvalidData);

    // One whose process has ended without a word, and one whose process lives.
    let dead = folder.path().join("1-0");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    let second = Archive::open(folder.path()).unwrap();
    assert!(!dead.exists());
    archive.keep(&bytes.into()).unwrap();
    drop(second);
    drop(archive);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_archive_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Archive::open(folder.path()).unwrap_err().to_string().contains("open to other users"));
}

#[test]
fn a_folder_is_another_one_when_a_file_in_it_is() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("model");
    fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    fs::write(folder.join("1_Pooling/config.json"), "{}").unwrap();
    fs::write(root.path().join("weights"), "w").unwrap();
    symlink(root.path().join("weights"), folder.join("model.safetensors")).unwrap();
    let first = FolderStamp::of(&folder);
    assert_eq!(first, FolderStamp::of(&folder));
    settle();
    fs::write(root.path().join("weights"), "v").unwrap();
    let second = FolderStamp::of(&folder);
    assert_ne!(first, second, "the file behind a link has changed");
    fs::remove_file(folder.join("1_Pooling/config.json")).unwrap();
    assert_ne!(second, FolderStamp::of(&folder));
    assert_eq!(FolderStamp::of(&root.path().join("missing")), FolderStamp::default());
    assert_ne!(
        Stamp::of(&fs::metadata(folder.join("config.json")).unwrap()),
        Stamp::of(&fs::metadata(root.path().join("weights")).unwrap()),
    );
}
