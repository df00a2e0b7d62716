//! A bash that can run nothing: its PATH has only a stub, which records its words, its directory and its environment.
//!
//! Owns: the stub, the precautions around it, and what the grammar says would have been recorded. The builtins that do something
//! outside the shell are switched off, so that a line that the grammar reads wrongly does no harm either; as root it all runs as
//! nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aiops::domain::action::script::logical;
use aiops::domain::action::spec::{Connector, Script, Word};
use aiops::domain::digest::sha256_hex;

/// A name that no line has; its stub marks the end of a script and shows the script's variables.
const END: &str = "aiops-end-of-script";

/// User and group without rights.
const NOBODY: u32 = 65_534;

/// Builtins of bash that could act outside it, or that a program of the same name does as well.
const SWITCHED_OFF: &str = "enable -n . bind builtin command echo eval exec false kill printf pwd source test trap true type \
                            ulimit umask wait";

/// A program as it was started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Started {
    pub(crate) argv: Vec<String>,
    pub(crate) directory: String,
    /// The environment, as sorted lines.
    pub(crate) environment: Vec<String>,
}

/// What all stubs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeed,
    Fail,
}

/// How bash treats what it expands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    /// As always.
    Split,
    /// No splitting and no patterns: a value stays one word, as the grammar has it.
    Whole,
}

/// The stub and the directories that bash may use.
pub(crate) struct Bash {
    root: tempfile::TempDir,
    path: PathBuf,
    names: std::cell::RefCell<BTreeSet<String>>,
}

impl Bash {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        let open = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        open(&path);
        for name in ["bin", "work", "log"] {
            std::fs::create_dir(path.join(name)).unwrap();
            open(&path.join(name));
        }
        // One call of printf: what it says reaches the file of this process in one piece.
        let stub = format!(
            "#!/bin/sh\nprintf '%s\\0' \"${{0##*/}}\" \"$@\" AIOPS-RECORD \"$PWD\" \"$(/usr/bin/env)\" > {0}/log/$$\n\
             printf '%s\\n' $$ >> {0}/order\nexit $(/bin/cat {0}/status)\n",
            path.display()
        );
        std::fs::write(path.join("stub"), stub).unwrap();
        open(&path.join("stub"));
        std::fs::write(path.join("order"), "").unwrap();
        open(&path.join("order"));
        Self { root, path, names: std::cell::RefCell::new(BTreeSet::new()) }
    }

    /// Where scripts begin.
    pub(crate) fn work(&self) -> String {
        self.path.join("work").display().to_string()
    }

    /// The environment that bash is given, and the action would have.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        [("PATH", self.path.join("bin").display().to_string()), ("HOME", self.work()), ("LC_ALL", "C.UTF-8".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// Directories for the absolute paths of lines: `/srv` becomes one of our own.
    pub(crate) fn root(&self) -> String {
        self.root.path().canonicalize().unwrap().join("work").display().to_string()
    }

    /// Whether it is certain that bash can run `script`, which the grammar has read as `parsed`, without effect.
    pub(crate) fn is_safe(&self, script: &str, parsed: &Script) -> bool {
        let by_path = |stage: &aiops::domain::action::spec::Stage| stage.argv[0].text().contains('/');
        let special = |word: &Word| word.text().contains(END);
        let below = |directory: &Word| logical(&directory.text()).starts_with(&self.root());
        let directories = parsed.parts.iter().filter_map(|(_, pipeline)| pipeline.directory.as_ref());
        !parsed.stages().any(by_path)
            && !parsed.words().any(special)
            && directories.chain(&parsed.leaves.directory).all(below)
            && !redirects_to_files(script)
    }

    /// What bash starts for `script`, in the order in which the programs ended; `values` are variables for it alone.
    pub(crate) fn run(
        &self,
        script: &str,
        parsed: &Script,
        values: &[(String, String)],
        ending: Ending,
        fields: Fields,
    ) -> Vec<Started> {
        self.prepare(parsed, ending);
        let shown: Vec<String> = parsed.leaves.variables.keys().map(|name| format!("\"${{{name}}}\"")).collect();
        let whole = if fields == Fields::Whole { "set -f; IFS=\n" } else { "" };
        let script = format!("{SWITCHED_OFF}\n{whole}{script}\n{END} {}\n", shown.join(" "));
        let mut bash = Command::new("/bin/bash");
        bash.args(["--noprofile", "--norc", "-o", "pipefail", "-c", &script])
            .env_clear()
            .envs(self.environment())
            .envs(values.iter().cloned())
            .current_dir(self.work())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            bash.gid(NOBODY).uid(NOBODY);
        }
        bash.status().unwrap();
        self.records(values)
    }

    /// Makes the programs and directories that `parsed` names.
    fn prepare(&self, parsed: &Script, ending: Ending) {
        let _ = std::fs::remove_dir_all(self.path.join("log"));
        std::fs::create_dir(self.path.join("log")).unwrap();
        std::fs::set_permissions(self.path.join("log"), std::fs::Permissions::from_mode(0o777)).unwrap();
        std::fs::write(self.path.join("order"), "").unwrap();
        std::fs::write(self.path.join("status"), if ending == Ending::Succeed { "0" } else { "1" }).unwrap();
        let mut names = self.names.borrow_mut();
        for name in parsed.stages().map(|stage| stage.argv[0].text()).chain([END.to_owned()]) {
            if name.len() < 200 && names.insert(name.clone()) {
                std::os::unix::fs::symlink(self.path.join("stub"), self.path.join("bin").join(name)).unwrap();
            }
        }
        let directories = parsed.parts.iter().filter_map(|(_, pipeline)| pipeline.directory.as_ref());
        for directory in directories.chain(&parsed.leaves.directory) {
            // What stands before a `..` has to be there as well.
            let _ = std::fs::create_dir_all(directory.text());
            let _ = std::fs::create_dir_all(logical(&directory.text()));
        }
    }

    fn records(&self, values: &[(String, String)]) -> Vec<Started> {
        let order = std::fs::read_to_string(self.path.join("order")).unwrap();
        let hidden = |line: &str| {
            ["PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|name| line.starts_with(name))
                || values.iter().any(|(name, _)| line.starts_with(&format!("{name}=")))
        };
        let read = |pid: &str| {
            let text = std::fs::read(self.path.join("log").join(pid)).unwrap();
            let text = String::from_utf8(text).unwrap();
            let (argv, rest) = text.split_once("\0AIOPS-RECORD\0").unwrap();
            let (directory, environment) = rest.trim_end_matches('\0').split_once('\0').unwrap();
            Started {
                argv: argv.split('\0').map(str::to_owned).collect(),
                directory: directory.to_owned(),
                environment: sorted(environment.lines().filter(|line| !hidden(line))),
            }
        };
        order.lines().map(read).collect()
    }

    /// What the grammar says that bash starts, pipeline by pipeline; the last one shows what is left, if the script succeeds.
    pub(crate) fn predict(&self, script: &Script, raw: impl Fn(&Word) -> String, ending: Ending) -> Vec<Vec<Started>> {
        let mut ran = Vec::new();
        let mut succeeded = true;
        let directory = |changed: Option<&Word>| changed.map_or_else(|| self.work(), |word| logical(&raw(word)));
        let base = self.environment();
        for (connector, pipeline) in &script.parts {
            let wanted = match connector {
                Connector::Always => true,
                Connector::AndThen => succeeded,
                Connector::OrElse => !succeeded,
            };
            if !wanted {
                continue;
            }
            let started = pipeline.stages.iter().map(|stage| {
                let mut environment = base.clone();
                environment.extend(stage.env.iter().map(|(name, value)| (name.clone(), raw(value))));
                Started {
                    argv: stage.argv.iter().map(&raw).collect(),
                    directory: directory(pipeline.directory.as_ref()),
                    environment: lines_of(&environment),
                }
            });
            ran.push(started.collect());
            succeeded = ending == Ending::Succeed;
        }
        if !succeeded {
            // What a script leaves counts only when it succeeds.
            return ran;
        }
        let left = script.leaves.variables.values().map(|variable| raw(&variable.value));
        let exported = script.leaves.variables.iter().filter(|(_, variable)| variable.exported);
        let mut environment = base;
        environment.extend(exported.map(|(name, variable)| (name.clone(), raw(&variable.value))));
        ran.push(vec![Started {
            argv: [END.to_owned()].into_iter().chain(left).collect(),
            directory: directory(script.leaves.directory.as_ref()),
            environment: lines_of(&environment),
        }]);
        ran
    }
}

fn lines_of(environment: &BTreeMap<String, String>) -> Vec<String> {
    let text: String = environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    sorted(text.lines())
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Whether both started the same: the stages of a pipeline in any order, everything else in turn.
pub(crate) fn agree(bash: &[Started], grammar: &[Vec<Started>]) -> bool {
    let is_end = |started: &Started| started.argv[0] == END;
    let leaves = grammar.last().is_some_and(|last| last.iter().any(is_end));
    let mut rest = match bash.split_last() {
        Some((last, before)) if !leaves && is_end(last) => before,
        _ => bash,
    };
    for pipeline in grammar {
        let (now, later) = rest.split_at(pipeline.len().min(rest.len()));
        let (mut now, mut wanted) = (now.to_vec(), pipeline.clone());
        now.sort();
        wanted.sort();
        if now != wanted {
            return false;
        }
        rest = later;
    }
    rest.is_empty()
}

/// Whether a `<` or `>` without quotes is anything but one of the redirections that the grammar has. Only looks at the text, so
/// that it does not depend on the grammar.
fn redirects_to_files(script: &str) -> bool {
    let mut bare = String::new();
    let mut quote = None;
    let mut characters = script.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None | Some('"'), '\\') => {
                characters.next();
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) => bare.push(c),
            (Some(_), _) => {}
        }
    }
    for known in ["2>&1", "1>&2", ">&2", "&>>/dev/null", "&>/dev/null", ">>/dev/null", ">/dev/null", "> /dev/null"] {
        bare = bare.replace(known, " ");
    }
    bare.contains(['<', '>'])
}

/// A number that depends on `text` and nothing else.
pub(crate) fn number_of(text: &str) -> usize {
    sha256_hex(text.as_bytes()).bytes().take(7).fold(0, |number, byte| number * 31 + usize::from(byte))
}

#[test]
fn only_harmless_redirections_pass() {
    assert!(!redirects_to_files("a >/dev/null 2>&1 | b '>x' \">y\" \\> 2>/dev/null"));
    for line in ["a > x", "a < x", "a >/dev/null/x >y", "a >>x", "a 2>x"] {
        assert!(redirects_to_files(line), "{line}");
    }
}
