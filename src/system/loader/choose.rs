//! Which environment is booted: a pure function, so that it can be tried on every state there is.

use jiff::Timestamp;

use super::Counter;
use super::entry::OLD_KERNEL;
use crate::system::EnvName;

/// What the choice is made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// What boots by default.
    pub default: Option<EnvName>,
    /// What boots next, and only then.
    pub next: Next,
    /// The environments that have an entry.
    pub candidates: Vec<Candidate>,
}

/// What is said about the next boot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Next {
    /// Nothing.
    #[default]
    Nothing,
    /// Something that names no environment.
    Unreadable,
    /// This environment, once.
    Once(EnvName, WhichKernel),
}

/// Which of its kernels an environment is booted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhichKernel {
    /// Its own.
    #[default]
    Own,
    /// The one that was kept from the environment before it.
    Old,
}

impl WhichKernel {
    /// The one that says of itself on its command line that it is, as our entries make it.
    pub fn of(command_line: &str) -> Self {
        let is_old = command_line
            .split_whitespace()
            .any(|word| word == OLD_KERNEL);
        if is_old { Self::Old } else { Self::Own }
    }
}

/// An environment that has an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: EnvName,
    /// How often it may still be tried; `None`: it is good.
    pub counter: Option<Counter>,
    /// Whether the environment itself is there.
    pub exists: bool,
    /// Whether the kernel from before can be booted in it, too.
    pub old_kernel: bool,
    /// When it was made, if that is known.
    pub created: Option<Timestamp>,
}

/// The environment to boot, and what has to be changed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The environment.
    pub name: EnvName,
    /// The kernel: its own, unless the other one was wanted for the next boot.
    pub kernel: WhichKernel,
    /// Why this one.
    pub why: Why,
    /// Whether what is said about the next boot has to be forgotten first.
    pub forget_next: bool,
    /// The counter from which one try has to be taken then; `None`: the environment is good.
    pub counter: Option<Counter>,
}

/// Why an environment was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was wanted for the next boot.
    Next,
    /// It is the default.
    Default,
    /// The default cannot be used or has no try left: this is the newest good one.
    FallBack,
}

/// Chooses the environment to boot; `None` if there is none, and then nothing is to be changed.
///
/// What was wanted for the next boot, else the default, if it is there and good or has a try left; else the
/// newest good one.
pub fn choose(view: &View) -> Option<Choice> {
    let named = |name: Option<&EnvName>| {
        let mut candidates = view.candidates.iter();
        candidates.find(|candidate| Some(&candidate.name) == name && may_boot(candidate))
    };
    let (next, kernel) = match &view.next {
        Next::Once(name, kernel) => (Some(name), *kernel),
        Next::Nothing | Next::Unreadable => (None, WhichKernel::Own),
    };
    let has_it = |found: &&Candidate| kernel == WhichKernel::Own || found.old_kernel;
    let (candidate, why) = None
        .or_else(|| (named(next).filter(has_it)).map(|found| (found, Why::Next)))
        .or_else(|| named(view.default.as_ref()).map(|found| (found, Why::Default)))
        .or_else(|| fall_back(view).map(|found| (found, Why::FallBack)))?;
    Some(Choice {
        name: candidate.name.clone(),
        kernel: match why {
            Why::Next => kernel,
            Why::Default | Why::FallBack => WhichKernel::Own,
        },
        why,
        forget_next: view.next != Next::Nothing,
        counter: candidate.counter,
    })
}

/// The newest good environment; of two of one age the one with the later name.
pub(super) fn fall_back(view: &View) -> Option<&Candidate> {
    let good = (view.candidates.iter())
        .filter(|candidate| candidate.exists && candidate.counter.is_none());
    good.max_by_key(|candidate| (candidate.created, candidate.name.as_str()))
}

fn may_boot(candidate: &Candidate) -> bool {
    candidate.exists && !candidate.counter.is_some_and(Counter::is_bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(name: &str, counter: Option<(u32, u32)>, created: i64) -> Candidate {
        Candidate {
            name: name.parse().unwrap(),
            counter: counter.map(|(left, done)| Counter { left, done }),
            exists: true,
            old_kernel: false,
            created: Some(Timestamp::from_second(created).unwrap()),
        }
    }

    fn view(default: &str, candidates: Vec<Candidate>) -> View {
        View {
            default: default.parse().ok(),
            next: Next::Nothing,
            candidates,
        }
    }

    fn once(name: &str, kernel: WhichKernel) -> Next {
        Next::Once(name.parse().unwrap(), kernel)
    }

    /// What `choose` asks for, done.
    fn apply(view: &mut View, choice: &Choice) {
        if choice.forget_next {
            view.next = Next::Nothing;
        }
        for candidate in &mut view.candidates {
            if candidate.name == choice.name {
                candidate.counter = candidate.counter.map(Counter::tried);
            }
        }
    }

    /// The names chosen one boot after the other when nobody marks anything.
    fn boots(mut view: View, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            let Some(choice) = choose(&view) else { break };
            apply(&mut view, &choice);
            names.push(choice.name.to_string());
        }
        names
    }

    #[test]
    fn a_default_on_trial_is_tried_as_often_as_it_may_and_then_the_newest_good_one_is_used() {
        let candidates = vec![
            candidate("oldest", None, 1),
            candidate("old", None, 2),
            candidate("new", Some((3, 0)), 3),
            candidate("trial", Some((9, 0)), 4),
        ];
        let names = boots(view("new", candidates), 5);
        assert_eq!(names, ["new", "new", "new", "old", "old"]);
    }

    #[test]
    fn what_is_wanted_for_the_next_boot_is_used_once() {
        let candidates = vec![candidate("a", None, 1), candidate("b", Some((2, 1)), 2)];
        let mut wanted = view("a", candidates);
        wanted.next = once("b", WhichKernel::Own);
        let choice = choose(&wanted).unwrap();
        assert_eq!((choice.why, choice.forget_next), (Why::Next, true));
        assert_eq!(choice.counter, Some(Counter { left: 2, done: 1 }));
        assert_eq!(boots(wanted.clone(), 3), ["b", "a", "a"]);
        for bad in [Next::Unreadable, once("gone", WhichKernel::Own)] {
            let choice = choose(&View {
                next: bad,
                ..wanted.clone()
            });
            let choice = choice.unwrap();
            assert_eq!((choice.name.as_str(), choice.forget_next), ("a", true));
        }
    }

    #[test]
    fn the_old_kernel_is_booted_once_where_there_is_one_and_takes_a_try() {
        let trial = candidate("b", Some((2, 0)), 2);
        let mut wanted = view("b", vec![candidate("a", None, 1), trial]);
        wanted.next = once("b", WhichKernel::Old);
        // Nothing was kept: the default boots, and that is the same environment with its own kernel.
        let choice = choose(&wanted).unwrap();
        let told = |choice: &Choice| (choice.name.to_string(), choice.kernel, choice.why);
        assert_eq!(told(&choice), ("b".into(), WhichKernel::Own, Why::Default));
        wanted.candidates[1].old_kernel = true;
        let choice = choose(&wanted).unwrap();
        assert_eq!(told(&choice), ("b".into(), WhichKernel::Old, Why::Next));
        assert_eq!(choice.counter, Some(Counter { left: 2, done: 0 }));
        apply(&mut wanted, &choice);
        let choice = choose(&wanted).unwrap();
        assert_eq!(told(&choice), ("b".into(), WhichKernel::Own, Why::Default));
        assert_eq!(choice.counter, Some(Counter { left: 1, done: 1 }));
        // One that is bad is not booted, with whichever kernel.
        wanted.next = once("b", WhichKernel::Old);
        wanted.candidates[1].counter = Some(Counter { left: 0, done: 2 });
        let choice = choose(&wanted).unwrap();
        assert_eq!(told(&choice), ("a".into(), WhichKernel::Own, Why::FallBack));
    }

    #[test]
    fn the_old_kernel_says_so_on_its_command_line() {
        let old = "isi.env=new isi.kernel=old quiet";
        assert_eq!(WhichKernel::of(old), WhichKernel::Old);
        for own in [
            "isi.env=new quiet",
            "noisi.kernel=old",
            "isi.kernel=older",
            "",
        ] {
            assert_eq!(WhichKernel::of(own), WhichKernel::Own, "{own}");
        }
    }

    #[test]
    fn what_is_bad_or_gone_is_not_booted() {
        let mut gone = candidate("gone", None, 9);
        gone.exists = false;
        let bad = candidate("bad", Some((0, 3)), 8);
        let candidates = vec![gone, bad, candidate("good", None, 1)];
        for default in ["gone", "bad", "unknown"] {
            let choice = choose(&view(default, candidates.clone())).unwrap();
            assert_eq!((choice.name.as_str(), choice.why), ("good", Why::FallBack));
        }
        let nothing = view("bad", candidates.into_iter().take(2).collect());
        assert_eq!(choose(&nothing), None);
        assert_eq!(choose(&View::default()), None);
    }

    fn any_view() -> impl Strategy<Value = View> {
        let name = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
        let counter = proptest::option::of((0_u32..4, 0_u32..4));
        let one = (
            name.clone(),
            counter,
            any::<(bool, bool)>(),
            proptest::option::of(0_i64..3),
        );
        let candidates = proptest::collection::vec(one, 0..5);
        let next = prop_oneof![
            Just(Next::Nothing),
            Just(Next::Unreadable),
            (name.clone(), any::<bool>()).prop_map(|(name, old)| once(
                name,
                if old {
                    WhichKernel::Old
                } else {
                    WhichKernel::Own
                }
            )),
        ];
        (proptest::option::of(name), next, candidates).prop_map(|(default, next, candidates)| {
            let mut view = View {
                default: default.map(|name| name.parse().unwrap()),
                next,
                candidates: Vec::new(),
            };
            for (name, counter, (exists, old_kernel), created) in candidates {
                if view
                    .candidates
                    .iter()
                    .all(|other| other.name.as_str() != name)
                {
                    view.candidates.push(Candidate {
                        exists,
                        old_kernel,
                        created: created.map(|second| Timestamp::from_second(second).unwrap()),
                        ..candidate(name, counter, 0)
                    });
                }
            }
            view
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_chosen_may_boot_and_every_boot_leaves_less_to_try(view in any_view()) {
            let mut view = view;
            let good = view.candidates.iter().any(|c| c.exists && c.counter.is_none());
            let tries = |view: &View| -> u32 {
                view.candidates.iter().filter_map(|c| c.counter).map(|c| c.left).sum()
            };
            let enough = tries(&view) + 2;
            for _ in 0..enough {
                let before = view.clone();
                let Some(choice) = choose(&view) else {
                    // Nothing good is there, so nothing was lost by not booting it.
                    prop_assert!(!good);
                    return Ok(());
                };
                let chosen = view.candidates.iter().find(|c| c.name == choice.name).unwrap();
                prop_assert!(may_boot(chosen));
                prop_assert_eq!(chosen.counter, choice.counter);
                prop_assert_eq!(choice.forget_next, before.next != Next::Nothing);
                // Nobody gets the old kernel who did not ask for it.
                let asked = Next::Once(choice.name.clone(), WhichKernel::Old);
                let old = choice.kernel == WhichKernel::Old;
                prop_assert!(!old || (chosen.old_kernel && before.next == asked));
                prop_assert_eq!(choose(&view), Some(choice.clone()));
                // The order of the entries decides nothing.
                let mut turned = view.clone();
                turned.candidates.reverse();
                prop_assert_eq!(choose(&turned), Some(choice.clone()));
                apply(&mut view, &choice);
                prop_assert_eq!(&view.next, &Next::Nothing);
                prop_assert!(choice.counter.is_none() || tries(&view) < tries(&before));
            }
            // Whatever is on trial, its tries end, and then something good is booted, if there is any.
            let last = choose(&view);
            prop_assert_eq!(last.is_some(), good);
            prop_assert!(last.is_none_or(|choice| choice.counter.is_none()));
        }
    }
}
