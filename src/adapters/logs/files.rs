//! Log files: the newest lines of a span of time that contain a text.
//!
//! Owns: reading from the end within bounds, back into the file that a log was before it was rotated, and the times at the
//! beginning of lines. Does not: follow files, or unpack what was compressed; that it did not is said.
//!
//! Invariants: of each file at most [`MOST_READ`] bytes are read, of each line at most [`MOST_LINE`] are kept, and both are
//! said. A pipe or a device is not read: that could wait for ever. Where the times of lines are doubtful, that is a problem.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ports::{BoxFuture, LogLine, LogLines, LogQuery, LogSource, SourceError};

/// Bytes read of one file at most, from its end: about 80,000 lines, some ten milliseconds.
pub const MOST_READ: u64 = 8 * 1024 * 1024;
/// Bytes kept of one line.
pub const MOST_LINE: usize = 16 * 1024;
/// Lines answered at most, whatever is asked for.
const MOST_LINES: usize = 10_000;

/// Log files under one name.
#[derive(Clone, Debug)]
pub struct LogFiles {
    id: SourceId,
    files: Vec<PathBuf>,
}

impl LogFiles {
    /// These files, absolute.
    #[must_use]
    pub const fn new(id: SourceId, files: Vec<PathBuf>) -> Self {
        Self { id, files }
    }
}

impl LogSource for LogFiles {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn lines<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogLines, SourceError>> {
        let (files, query, id) = (self.files.clone(), query.clone(), self.id.clone());
        Box::pin(async move {
            let asked = files.len();
            // A file system that does not answer must not stop the others.
            let read = tokio::task::spawn_blocking(move || read_all(&files, &query)).await;
            let lines = read.map_err(|error| SourceError {
                what: format!("the files of {id} could not be read: {error}"),
                remedy: "Look into the log of aiops".to_owned(),
            })?;
            match lines.problems.first() {
                Some(problem) if lines.problems.len() == asked && lines.lines.is_empty() => Err(SourceError {
                    what: format!("nothing of {id} can be read: {problem}"),
                    remedy: "Check `files` of these [[logs]] and who may read them".to_owned(),
                }),
                _ => Ok(lines),
            }
        })
    }
}

fn read_all(files: &[PathBuf], query: &LogQuery) -> LogLines {
    let mut answer = LogLines::default();
    let (limit, clock) = (query.limit.min(MOST_LINES), HostClock::detect());
    for file in files {
        match read_with_rotated(file, query, limit, clock) {
            Ok(read) => {
                answer.lines.extend(read.lines);
                answer.more |= read.more;
                answer.problems.extend(read.problem);
            }
            Err(problem) => answer.problems.push(problem),
        }
    }
    // Stable: lines without a time stay where their file has them.
    answer.lines.sort_by_key(|line| line.at);
    let surplus = answer.lines.len().saturating_sub(limit);
    answer.more |= surplus > 0;
    answer.lines.drain(..surplus);
    answer
}

/// What the clocks of this host show, as far as it matters for times without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostClock {
    /// UTC: a time without a zone is one of UTC, whoever wrote it.
    Utc,
    /// Something else: nobody knows which of both such a time is.
    Other,
}

impl HostClock {
    fn detect() -> Self {
        let offset = jiff::tz::TimeZone::system().to_offset(jiff::Timestamp::now());
        if offset.is_zero() { Self::Utc } else { Self::Other }
    }
}

/// What was read of a file.
#[derive(Debug, Default)]
struct Read {
    lines: VecDeque<LogLine>,
    /// Whether there may be more lines that fit.
    more: bool,
    /// The time of the first line that has one.
    first: Option<Timestamp>,
    /// What makes the lines doubtful, as a sentence.
    problem: Option<String>,
}

/// The lines of a file, and before them those of the one that it was before it was rotated, when the span begins there.
fn read_with_rotated(path: &Path, query: &LogQuery, limit: usize, clock: HostClock) -> Result<Read, String> {
    let mut read = read_file(path, query, limit, clock)?;
    let Some(from) = query.from.filter(|from| !read.more && read.first.is_none_or(|first| first > *from)) else {
        return Ok(read);
    };
    match rotated(path, from) {
        None => {}
        Some(before) if is_compressed(&before) => {
            let problem = format!("{} is compressed: what it has of the span is not read.", before.display());
            read.problem.get_or_insert(problem);
            read.more = true;
        }
        Some(before) => {
            let earlier = read_file(&before, query, limit, clock)?;
            let mut lines = earlier.lines;
            lines.append(&mut read.lines);
            let surplus = lines.len().saturating_sub(limit);
            lines.drain(..surplus);
            let problem = read.problem.or(earlier.problem);
            read = Read { lines, more: earlier.more || surplus > 0, first: earlier.first, problem };
        }
    }
    Ok(read)
}

/// Endings of files that were compressed after they were rotated.
const COMPRESSED: [&str; 5] = ["gz", "xz", "zst", "bz2", "lz4"];

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|end| COMPRESSED.iter().any(|known| end == *known))
}

/// Names in a directory that are looked at for rotated files.
const MOST_NAMES: usize = 10_000;

/// The newest file beside `path` that it was rotated to (`app.log.1`, `app.log-20260301`), when it was written to since `from`.
fn rotated(path: &Path, from: Timestamp) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let since = std::time::UNIX_EPOCH + from.since(Timestamp::from_millis(0));
    let entries = std::fs::read_dir(path.parent()?).ok()?.take(MOST_NAMES).flatten();
    let written = entries.filter_map(|entry| {
        let other = entry.file_name().into_string().ok()?;
        let rest = other.strip_prefix(name)?.strip_prefix(['.', '-'])?;
        let metadata = entry.metadata().ok().filter(|_| rest.starts_with(|c: char| c.is_ascii_digit()))?;
        let modified = metadata.modified().ok().filter(|modified| *modified >= since)?;
        Some((modified, entry.path()))
    });
    written.max().map(|(_, path)| path)
}

/// The newest lines of one file that fit; `Err` is a sentence.
fn read_file(path: &Path, query: &LogQuery, limit: usize, clock: HostClock) -> Result<Read, String> {
    let place = path.display().to_string();
    let failed = |error: &std::io::Error| format!("{place} cannot be read: {error}.");
    // Not blocking: opening a named pipe would otherwise wait for a writer for ever.
    let open = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file = open.map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        return Err(format!("{place} is no plain file."));
    }
    let length = metadata.len();
    let start = length.saturating_sub(MOST_READ);
    file.seek(SeekFrom::Start(start)).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    // What is appended meanwhile is for the next question.
    file.take(length - start).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let whole = if start == 0 { &bytes[..] } else { after_first_line(&bytes) };
    let mut read = fitting(whole, &place, query, limit, clock);
    // What lies before the part that was read may fit, unless the part begins before the span.
    let reaches = read.first.zip(query.from).is_some_and(|(first, from)| first < from);
    read.more |= start > 0 && !reaches;
    Ok(read)
}

/// Without the line that the reading began in the middle of.
fn after_first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

fn lines_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The newest `limit` lines that fit.
fn fitting(bytes: &[u8], place: &str, query: &LogQuery, limit: usize, clock: HostClock) -> Read {
    let mut read = Read::default();
    let (mut at, mut without_zone, mut any) = (None, false, false);
    let wanted = query.contains.to_ascii_lowercase();
    for line in lines_of(bytes).filter(|line| !line.is_empty()) {
        any = true;
        let cut = line.get(..MOST_LINE.min(line.len())).unwrap_or_default();
        let mut text = String::from_utf8_lossy(cut).into_owned();
        if cut.len() < line.len() {
            text.push_str(" [cut]");
        }
        if let Some((own, zone)) = time_of(&text) {
            at = Some(own);
            without_zone |= zone == Zone::NotSaid;
            read.first = read.first.or(at);
        }
        let in_span = match at {
            None => query.from.is_none() && query.until.is_none(),
            Some(at) => query.from.is_none_or(|from| from <= at) && query.until.is_none_or(|until| at <= until),
        };
        if !in_span || !(wanted.is_empty() || text.to_ascii_lowercase().contains(&wanted)) {
            continue;
        }
        read.lines.push_back(LogLine { at, place: place.to_owned(), text });
        if read.lines.len() > limit {
            read.lines.pop_front();
            read.more = true;
        }
    }
    if query.from.is_some() || query.until.is_some() {
        read.problem = doubt(place, any && at.is_none(), without_zone && clock == HostClock::Other);
    }
    read
}

/// Why nobody knows which lines of a span there are, as a sentence.
fn doubt(place: &str, no_times: bool, no_zones: bool) -> Option<String> {
    if no_times {
        return Some(format!("the lines of {place} begin with no date and time that can be read."));
    }
    no_zones.then(|| format!("the times in {place} say no zone, and the clock of this host does not show UTC."))
}

/// Whether a time says where it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Said,
    NotSaid,
}

/// The time that a line begins with, perhaps in brackets: RFC 3339, or the same with a space and without a zone, which then
/// counts as UTC. `None` for any other beginning; a time without a year is none, since it may be of any.
fn time_of(line: &str) -> Option<(Timestamp, Zone)> {
    let line = line.trim_start_matches(['[', '"', ' ']);
    let date = line.get(..10)?;
    let shape = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-' || byte == b'/',
        _ => byte.is_ascii_digit(),
    });
    if !shape || !matches!(line.as_bytes().get(10), Some(b'T' | b' ')) {
        return None;
    }
    let rest = line.get(11..)?;
    let end = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ',')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let clock = clock.trim_end_matches(['.', ',', ':']).replace(',', ".");
    let said = if zone.starts_with(['Z', '+', '-']) { Zone::Said } else { Zone::NotSaid };
    let zone: String = match zone.bytes().next() {
        Some(b'Z') => "Z".to_owned(),
        Some(b'+' | b'-') => zone.chars().take_while(|c| matches!(c, '+' | '-' | ':' | '0'..='9')).collect(),
        _ => "Z".to_owned(),
    };
    let zone = match zone.len() {
        5 if !zone.contains(':') => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => zone,
    };
    let at = Timestamp::parse_rfc3339(&format!("{}T{clock}{zone}", date.replace('/', "-")))?;
    Some((at, said))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
