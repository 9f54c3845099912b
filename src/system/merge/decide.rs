//! The decision for each path: a pure function of three trees.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConflictKind, Content, Node, Rights, Tree};
use crate::payload::EntryPath;

/// What is to be at one path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::system) struct Outcome {
    /// Where its content comes from.
    pub(in crate::system) source: Source,
    /// Who may do what with it; nothing where nothing is to be there.
    pub(in crate::system) rights: Option<Rights>,
    /// Why somebody has to look at it; what is there meanwhile is ours.
    pub(in crate::system) conflict: Option<ConflictKind>,
}

/// Where the content of a path comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::system) enum Source {
    /// Nothing is to be there.
    Nothing,
    /// What is here now.
    Ours,
    /// What the new image has.
    Theirs,
    /// Both sides' texts together; ours if they do not go together.
    Both,
}

/// Decides for every path of the three trees; without a base nobody knows who changed what.
pub(in crate::system) fn decide(
    base: Option<&Tree>,
    ours: &Tree,
    theirs: &Tree,
) -> BTreeMap<EntryPath, Outcome> {
    let known = base.map(|base| base.keys()).into_iter().flatten();
    let paths: BTreeSet<_> = known.chain(ours.keys()).chain(theirs.keys()).collect();
    let mut outcomes = BTreeMap::new();
    for path in paths {
        let three = Three {
            base: base.map_or(Base::Unknown, |base| Base::Known(base.get(path))),
            ours: ours.get(path),
            theirs: theirs.get(path),
        };
        outcomes.insert(path.clone(), three.outcome());
    }
    settle_parents(&mut outcomes, ours, theirs);
    outcomes
}

/// One path on three sides.
#[derive(Debug, Clone, Copy)]
struct Three<'a> {
    base: Base<'a>,
    ours: Option<&'a Node>,
    theirs: Option<&'a Node>,
}

/// What the last image had.
#[derive(Debug, Clone, Copy)]
enum Base<'a> {
    Unknown,
    Known(Option<&'a Node>),
}

impl Three<'_> {
    fn outcome(&self) -> Outcome {
        let (source, conflict) = self.source();
        let rights = match source {
            Source::Nothing => None,
            Source::Ours | Source::Both => self.rights(self.ours),
            Source::Theirs => self.rights(self.theirs),
        };
        Outcome {
            source,
            rights,
            conflict,
        }
    }

    fn source(&self) -> (Source, Option<ConflictKind>) {
        let of = |node: Option<&Node>| node.map(|node| node.content.clone());
        let (ours, theirs) = (of(self.ours), of(self.theirs));
        let theirs_or_nothing = if theirs.is_some() {
            Source::Theirs
        } else {
            Source::Nothing
        };
        let ours_or_nothing = if ours.is_some() {
            Source::Ours
        } else {
            Source::Nothing
        };
        if ours == theirs {
            return (theirs_or_nothing, None);
        }
        let Base::Known(base) = self.base else {
            // Who has it, added it or kept it: nothing is lost that way.
            return match (&ours, &theirs) {
                (None, _) => (Source::Theirs, None),
                (_, None) => (Source::Ours, None),
                _ => (Source::Ours, Some(ConflictKind::NoBase)),
            };
        };
        let base = of(base);
        if base == ours {
            return (theirs_or_nothing, None);
        }
        if base == theirs {
            return (ours_or_nothing, None);
        }
        let conflict = match (&base, &ours, &theirs) {
            (_, None, _) => ConflictKind::RemovedHere,
            (_, _, None) => ConflictKind::RemovedThere,
            (
                Some(Content::File { .. }),
                Some(Content::File { .. }),
                Some(Content::File { .. }),
            ) => return (Source::Both, None),
            (None, Some(ours), Some(theirs)) if same_kind(ours, theirs) => ConflictKind::Added,
            _ => ConflictKind::Kind,
        };
        (ours_or_nothing, Some(conflict))
    }

    /// Each of the rights as the side has it that changed it; ours where both did.
    fn rights(&self, chosen: Option<&Node>) -> Option<Rights> {
        let (Some(ours), Some(theirs)) = (self.ours, self.theirs) else {
            return chosen.map(|node| node.rights.clone());
        };
        let base = match self.base {
            Base::Known(Some(node)) => Some(&node.rights),
            Base::Known(None) | Base::Unknown => None,
        };
        let (ours, theirs) = (&ours.rights, &theirs.rights);
        let unchanged =
            |same: fn(&Rights, &Rights) -> bool| base.is_some_and(|base| same(base, ours));
        let side = |same| if unchanged(same) { theirs } else { ours };
        Some(Rights {
            mode: side(|one, other| one.mode == other.mode).mode,
            uid: side(|one, other| one.uid == other.uid).uid,
            gid: side(|one, other| one.gid == other.gid).gid,
            xattrs: side(|one, other| one.xattrs == other.xattrs).xattrs.clone(),
        })
    }
}

fn same_kind(one: &Content, other: &Content) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Whatever is to be somewhere needs the directories above it; what cannot have them has no place.
fn settle_parents(outcomes: &mut BTreeMap<EntryPath, Outcome>, ours: &Tree, theirs: &Tree) {
    let directory_in = |tree: &Tree, path: &EntryPath| {
        let node = tree.get(path);
        node.filter(|node| node.content == Content::Directory)
            .map(|node| node.rights.clone())
    };
    let present = |outcomes: &BTreeMap<EntryPath, Outcome>| -> Vec<EntryPath> {
        let present = outcomes.iter();
        let present = present.filter(|(_, outcome)| outcome.source != Source::Nothing);
        present.map(|(path, _)| path.clone()).collect()
    };
    for path in present(outcomes) {
        let mut below = path;
        while let Some(parent) = parent_of(&below)
            && outcomes
                .get(&parent)
                .is_some_and(|above| above.source == Source::Nothing)
        {
            let ours = directory_in(ours, &parent).map(|rights| (Source::Ours, rights));
            let theirs = || directory_in(theirs, &parent).map(|rights| (Source::Theirs, rights));
            let Some((source, rights)) = ours.or_else(theirs) else {
                break;
            };
            let outcome = Outcome {
                source,
                rights: Some(rights),
                conflict: None,
            };
            outcomes.insert(parent.clone(), outcome);
            below = parent;
        }
    }
    // From the top on, so that what is below something without a place has none either.
    for path in present(outcomes) {
        let above = parent_of(&path).and_then(|parent| Some((outcomes.get(&parent)?, parent)));
        let Some((above, parent)) = above else {
            continue;
        };
        let is_directory = match above.source {
            Source::Nothing | Source::Both => false,
            Source::Ours => directory_in(ours, &parent).is_some(),
            Source::Theirs => directory_in(theirs, &parent).is_some(),
        };
        if !is_directory {
            let outcome = Outcome {
                source: Source::Nothing,
                rights: None,
                conflict: Some(ConflictKind::NoPlace),
            };
            outcomes.insert(path, outcome);
        }
    }
}

fn parent_of(path: &EntryPath) -> Option<EntryPath> {
    path.parent().and_then(|parent| EntryPath::new(parent).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text.as_bytes()).unwrap()
    }

    fn rights(mode: u32) -> Rights {
        Rights {
            mode,
            uid: 0,
            gid: 0,
            xattrs: Vec::new(),
        }
    }

    /// `d` is a directory, `l...` a link, anything else a file with that content; nothing for `-`.
    fn node(text: &str) -> Option<Node> {
        let content = match text {
            "-" => return None,
            "d" => Content::Directory,
            link if link.starts_with('l') => Content::Link(link.into()),
            file => Content::File {
                size: file.len() as u64,
                sha256: Sha256Digest::of(file.as_bytes()),
            },
        };
        Some(Node {
            content,
            rights: rights(0o644),
            mtime: (0, 0),
        })
    }

    fn tree(nodes: &[(&str, &str)]) -> Tree {
        let nodes = nodes.iter();
        nodes
            .filter_map(|(at, text)| node(text).map(|node| (path(at), node)))
            .collect()
    }

    #[test]
    fn the_table_of_decisions() {
        use ConflictKind::{Added, Kind, RemovedHere, RemovedThere};
        for (base, ours, theirs, source, conflict) in [
            ("a", "a", "a", Source::Theirs, None),
            ("a", "a", "b", Source::Theirs, None),
            ("a", "a", "-", Source::Nothing, None),
            ("-", "-", "a", Source::Theirs, None),
            ("a", "b", "a", Source::Ours, None),
            ("a", "-", "a", Source::Nothing, None),
            ("-", "a", "-", Source::Ours, None),
            ("a", "b", "b", Source::Theirs, None),
            ("a", "-", "-", Source::Nothing, None),
            ("-", "a", "a", Source::Theirs, None),
            ("a", "b", "c", Source::Both, None),
            ("a", "l1", "a", Source::Ours, None),
            ("a", "a", "l1", Source::Theirs, None),
            ("a", "-", "b", Source::Nothing, Some(RemovedHere)),
            ("a", "b", "-", Source::Ours, Some(RemovedThere)),
            ("-", "a", "b", Source::Ours, Some(Added)),
            ("-", "l1", "l2", Source::Ours, Some(Added)),
            ("-", "l1", "b", Source::Ours, Some(Kind)),
            ("a", "l1", "b", Source::Ours, Some(Kind)),
            ("l1", "l2", "l3", Source::Ours, Some(Kind)),
            ("d", "a", "b", Source::Ours, Some(Kind)),
        ] {
            let [base, one, other] = [base, ours, theirs].map(|text| tree(&[("x", text)]));
            let outcomes = decide(Some(&base), &one, &other);
            let found = outcomes.get(&path("x"));
            let found = found.map_or((Source::Nothing, None), |found| {
                (found.source, found.conflict)
            });
            assert_eq!(found, (source, conflict), "{base:?} {ours} {theirs}");
        }
    }

    #[test]
    fn without_a_base_nothing_is_lost() {
        for (ours, theirs, source, conflict) in [
            ("a", "a", Source::Theirs, None),
            ("a", "-", Source::Ours, None),
            ("-", "a", Source::Theirs, None),
            ("a", "b", Source::Ours, Some(ConflictKind::NoBase)),
        ] {
            let [one, other] = [ours, theirs].map(|text| tree(&[("x", text)]));
            let outcomes = decide(None, &one, &other);
            let found = &outcomes[&path("x")];
            assert_eq!((found.source, found.conflict), (source, conflict));
        }
    }

    #[test]
    fn rights_are_merged_one_by_one() {
        let mut trees = [(); 3].map(|()| tree(&[("x", "a")]));
        for (tree, mode, uid) in [(0, 0o644, 0), (1, 0o640, 0), (2, 0o644, 7)] {
            let rights = &mut trees[tree].get_mut(&path("x")).unwrap().rights;
            (rights.mode, rights.uid) = (mode, uid);
        }
        let outcomes = decide(Some(&trees[0]), &trees[1], &trees[2]);
        let found = outcomes[&path("x")].rights.clone().unwrap();
        assert_eq!((found.mode, found.uid), (0o640, 7));
    }

    #[test]
    fn a_directory_stays_for_what_is_kept_in_it() {
        let base = tree(&[("d", "d"), ("d/a", "a")]);
        let ours = tree(&[("d", "d"), ("d/a", "a"), ("d/mine", "m")]);
        let outcomes = decide(Some(&base), &ours, &tree(&[]));
        assert_eq!(outcomes[&path("d")].source, Source::Ours);
        assert_eq!(outcomes[&path("d/a")].source, Source::Nothing);
        assert_eq!(outcomes[&path("d/mine")].source, Source::Ours);
        // And the other way: removed here, with something new in the image.
        let theirs = tree(&[("d", "d"), ("d/a", "a"), ("d/new", "n")]);
        let outcomes = decide(Some(&base), &tree(&[]), &theirs);
        assert_eq!(outcomes[&path("d")].source, Source::Theirs);
        assert_eq!(outcomes[&path("d/a")].source, Source::Nothing);
        assert_eq!(outcomes[&path("d/new")].source, Source::Theirs);
    }

    #[test]
    fn what_was_put_into_a_directory_that_is_none_any_more_is_not_lost_silently() {
        let base = tree(&[("d", "d")]);
        let ours = tree(&[("d", "d"), ("d/mine", "m")]);
        let outcomes = decide(Some(&base), &ours, &tree(&[("d", "lelsewhere")]));
        assert_eq!(outcomes[&path("d")].source, Source::Theirs);
        let mine = &outcomes[&path("d/mine")];
        assert_eq!(mine.source, Source::Nothing);
        assert_eq!(mine.conflict, Some(ConflictKind::NoPlace));
    }

    proptest::proptest! {
        #[test]
        fn every_outcome_can_be_made(
            base in sides(), ours in sides(), theirs in sides(),
        ) {
            let [base, ours, theirs] = [base, ours, theirs].map(whole);
            let outcomes = decide(Some(&base), &ours, &theirs);
            for (at, outcome) in &outcomes {
                let there = match outcome.source {
                    Source::Nothing => continue,
                    Source::Ours | Source::Both => ours.get(at),
                    Source::Theirs => theirs.get(at),
                };
                proptest::prop_assert!(there.is_some() && outcome.rights.is_some(), "{}", at);
                let Some(parent) = at.parent() else { continue };
                let above = &outcomes[&EntryPath::new(parent).unwrap()];
                let directory = match above.source {
                    Source::Ours => &ours,
                    Source::Theirs => &theirs,
                    Source::Nothing | Source::Both => {
                        return Err(proptest::test_runner::TestCaseError::fail(format!("{at}")));
                    }
                };
                let above = &directory[&EntryPath::new(parent).unwrap()];
                proptest::prop_assert_eq!(&above.content, &Content::Directory);
            }
            // Whoever changed nothing gets all of the other side.
            let same = decide(Some(&ours), &ours, &theirs);
            proptest::prop_assert!(same.values().all(|outcome| outcome.conflict.is_none()));
        }
    }

    const PLACES: [&str; 6] = ["a", "a/b", "a/b/c", "d", "d/e", "f"];

    fn sides() -> impl proptest::strategy::Strategy<Value = Vec<&'static str>> {
        let texts = proptest::sample::select(vec!["-", "d", "d", "x", "y", "l1"]);
        proptest::collection::vec(texts, PLACES.len())
    }

    /// A tree without what has no directory above it.
    fn whole(texts: Vec<&'static str>) -> Tree {
        let mut tree = Tree::new();
        for (place, text) in PLACES.iter().zip(texts) {
            let place = path(place);
            let parent = place.parent().map(|parent| EntryPath::new(parent).unwrap());
            let fits = parent.is_none_or(|parent| {
                tree.get(&parent)
                    .is_some_and(|node| node.content == Content::Directory)
            });
            if let Some(node) = node(text).filter(|_| fits) {
                tree.insert(place, node);
            }
        }
        tree
    }
}
