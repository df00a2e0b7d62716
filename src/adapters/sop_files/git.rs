//! A commit on a new branch, by git's plumbing.
//!
//! Owns: the calls of `git`. Invariants: an index of its own, so that the repository's is not touched; the branch is made only
//! if there is none of that name; hooks are off. Does not: check out, merge or push.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::domain::digest::sha256_hex;
use crate::engine::ports::{SopFileError, StagedChange};

/// What `update-ref` compares with, for a branch that must not be there.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// A commit that no branch has yet.
pub(super) struct Commit {
    repository: Repository,
    branch: String,
    commit: String,
}

struct Repository {
    directory: PathBuf,
}

fn refused(why: impl AsRef<str>) -> SopFileError {
    SopFileError(format!("No branch was made: {}", why.as_ref()))
}

/// Makes the commit of `text` in the place of the file at `path`, whose committed text has to be that of revision `before`.
///
/// # Errors
/// When git is not there, the file is in no repository or not committed as it is, the name is none for a branch, or there is
/// such a branch.
pub(super) fn stage(path: &Path, before: &str, text: &str, name: &str, message: &str) -> Result<Commit, SopFileError> {
    let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
    let repository = Repository { directory };
    if name.starts_with('-') {
        return Err(refused(format!("{name} is no name for a branch")));
    }
    repository.said(&["check-ref-format", "--branch", name], None, "that is no name for a branch")?;
    let reference = format!("refs/heads/{name}");
    if repository.git(&["rev-parse", "--verify", "--quiet", &reference], None, None)?.is_ok() {
        return Err(refused(format!("there is a branch {name} already. Choose another name")));
    }
    let head = repository.said(
        &["rev-parse", "--verify", "HEAD^{commit}"],
        None,
        "the file is in no git repository with a commit. Use --apply instead, or commit it first",
    )?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entry = repository.said(&["ls-tree", "--full-name", &head, "--", &file], None, "the commit cannot be read")?;
    let (mode, full) = entry
        .split_once('\t')
        .and_then(|(what, full)| Some((what.split(' ').next()?.to_owned(), full.to_owned())))
        .filter(|(mode, _)| mode == "100644" || mode == "100755")
        .ok_or_else(|| refused("the file is not part of the last commit. Commit it first, or use --apply"))?;
    let committed = repository.git(&["cat-file", "blob", &format!("{head}:{full}")], None, None)?;
    let committed = committed.map_err(|why| refused(format!("the committed file cannot be read: {why}")))?;
    if sha256_hex(&committed) != before {
        return Err(refused("the file has changes that are not committed. Commit them first, or use --apply"));
    }
    let commit = repository.commit((&head, &mode, &full), text, message)?;
    Ok(Commit { repository, branch: name.to_owned(), commit })
}

impl Repository {
    fn commit(
        &self,
        (head, mode, full): (&str, &str, &str),
        text: &str,
        message: &str,
    ) -> Result<String, SopFileError> {
        let blob = self.said(&["hash-object", "-w", "--stdin"], Some(text), "git cannot store the text")?;
        let own = own_index(self)?;
        let result = (|| {
            let index = Some(own.as_path());
            self.said_with(&["read-tree", head], None, index, "the commit cannot be read")?;
            let entry = format!("{mode},{blob},{full}");
            self.said_with(
                &["update-index", "--add", "--cacheinfo", &entry],
                None,
                index,
                "the text cannot be put in",
            )?;
            let tree = self.said_with(&["write-tree"], None, index, "the tree cannot be written")?;
            let arguments = ["commit-tree", &tree, "-p", head];
            let remedy = "git cannot commit; set user.name and user.email with `git config`";
            self.said(&arguments, Some(message), remedy)
        })();
        // It is nobody's index; what git leaves of it is of no use.
        let _ = std::fs::remove_file(&own);
        result
    }

    /// What a call of git prints, without the end of the line.
    fn said(&self, arguments: &[&str], input: Option<&str>, otherwise: &str) -> Result<String, SopFileError> {
        self.said_with(arguments, input, None, otherwise)
    }

    fn said_with(
        &self,
        arguments: &[&str],
        input: Option<&str>,
        index: Option<&Path>,
        otherwise: &str,
    ) -> Result<String, SopFileError> {
        match self.git(arguments, input, index)? {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            Err(why) if why.is_empty() => Err(refused(otherwise)),
            Err(why) => Err(refused(format!("{otherwise} ({why})"))),
        }
    }

    /// A call of git: what it prints, or what it complains about.
    fn git(
        &self,
        arguments: &[&str],
        input: Option<&str>,
        index: Option<&Path>,
    ) -> Result<Result<Vec<u8>, String>, SopFileError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.directory).args(["-c", "core.hooksPath=/dev/null"]).args(arguments);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        // Where the repository is, the file says, and nobody's environment.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(name);
        }
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        let missing = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => refused("the program git is not installed. Install it, or use --apply instead"),
            _ => refused(format!("git could not be started: {error}")),
        };
        let mut child = command.spawn().map_err(|error| missing(&error))?;
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            // A git that wants no more says why below.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| missing(&error))?;
        if output.status.success() {
            return Ok(Ok(output.stdout));
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Ok(Err(complaint.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()))
    }
}

/// A name for an index of its own, in the directory that git keeps.
fn own_index(repository: &Repository) -> Result<PathBuf, SopFileError> {
    let directory = repository.said(&["rev-parse", "--absolute-git-dir"], None, "there is no repository")?;
    Ok(Path::new(&directory).join(format!("aiops-index-{}", std::process::id())))
}

impl StagedChange for Commit {
    fn finish(self: Box<Self>) -> Result<String, SopFileError> {
        let reference = format!("refs/heads/{}", self.branch);
        let arguments = ["update-ref", "-m", "aiops: patch of an SOP", &reference, &self.commit, NOWHERE];
        self.repository.said(&arguments, None, "the branch could not be made; there may be one of that name by now")?;
        let short = self.commit.get(..10).unwrap_or(&self.commit);
        Ok(format!("Branch {} was made with commit {short}; what is checked out is as it was", self.branch))
    }
}
