//! Programs that read files and text.
//!
//! The options are those of GNU coreutils 9, findutils 4.9, grep 3.8 and file 5.44, without the ones that write, run
//! something or never end.

use super::options::Arguments;
use super::{Operands, Rule, checked, jq, known};

pub(super) fn rule(name: &str) -> Option<Rule> {
    match name {
        "echo" | "printf" | "true" | "false" | "test" | "basename" | "dirname" => Some(Rule::Anything),
        "jq" => Some(Rule::Own(jq::check)),
        "find" => Some(Rule::Own(find)),
        "ls" | "du" | "df" | "stat" | "readlink" | "realpath" | "pwd" => places(name),
        "cat" | "tac" | "nl" | "head" | "tail" | "wc" | "cut" | "tr" | "sort" | "uniq" | "column" | "paste"
        | "comm" | "fold" | "rev" | "md5sum" | "sha1sum" | "sha256sum" | "sha512sum" | "cksum" | "file" | "zcat"
        | "cmp" | "diff" => text(name),
        "grep" | "egrep" | "fgrep" => checked(
            "EFGPe:f:iyvwxcLlm:oqsbHhnTuUZzaA:B:C:rRI0123456789",
            &[
                "extended-regexp",
                "fixed-strings",
                "basic-regexp",
                "perl-regexp",
                "regexp=",
                "file=",
                "ignore-case",
                "no-ignore-case",
                "invert-match",
                "word-regexp",
                "line-regexp",
                "count",
                "color?",
                "colour?",
                "files-without-match",
                "files-with-matches",
                "max-count=",
                "only-matching",
                "quiet",
                "silent",
                "no-messages",
                "byte-offset",
                "with-filename",
                "no-filename",
                "label=",
                "line-number",
                "initial-tab",
                "null",
                "after-context=",
                "before-context=",
                "context=",
                "text",
                "binary-files=",
                "exclude=",
                "exclude-from=",
                "exclude-dir=",
                "include=",
                "recursive",
                "dereference-recursive",
                "line-buffered",
                "null-data",
            ],
            |arguments| {
                // The first operand is the pattern, unless an option gives it.
                let given = arguments.has(&["e", "regexp", "f", "file"]);
                Operands::Files.check(arguments.operands.get(usize::from(!given)..).unwrap_or_default())
            },
        ),
        _ => None,
    }
}

/// Programs that look at names, sizes and places, and open nothing.
fn places(name: &str) -> Option<Rule> {
    match name {
        "ls" => known(
            "aAbBcCdfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXZ1",
            &[
                "all",
                "almost-all",
                "author",
                "escape",
                "block-size=",
                "ignore-backups",
                "classify?",
                "color?",
                "directory",
                "format=",
                "full-time",
                "group-directories-first",
                "no-group",
                "human-readable",
                "si",
                "dereference",
                "dereference-command-line",
                "hide=",
                "hyperlink?",
                "indicator-style=",
                "inode",
                "ignore=",
                "kibibytes",
                "numeric-uid-gid",
                "literal",
                "quote-name",
                "quoting-style=",
                "reverse",
                "recursive",
                "size",
                "sort=",
                "time=",
                "time-style=",
                "tabsize=",
                "width=",
                "context",
                "zero",
            ],
            Operands::Any,
        ),
        "du" => known(
            "0aB:bcd:DhHklLmPsSt:xX:",
            &[
                "null",
                "all",
                "apparent-size",
                "block-size=",
                "bytes",
                "total",
                "max-depth=",
                "dereference-args",
                "human-readable",
                "inodes",
                "si",
                "dereference",
                "count-links",
                "no-dereference",
                "summarize",
                "separate-dirs",
                "threshold=",
                "time?",
                "time-style=",
                "exclude=",
                "exclude-from=",
                "one-file-system",
            ],
            Operands::Any,
        ),
        "df" => known(
            "aB:hHiklPt:Tx:",
            &[
                "all",
                "block-size=",
                "human-readable",
                "si",
                "inodes",
                "local",
                "no-sync",
                "output?",
                "portability",
                "total",
                "type=",
                "print-type",
                "exclude-type=",
            ],
            Operands::Any,
        ),
        "stat" => {
            known("Lfc:t", &["dereference", "file-system", "format=", "printf=", "terse", "cached="], Operands::Any)
        }
        "readlink" => known("femnqsvz", &["canonicalize", "no-newline", "quiet", "silent", "zero"], Operands::Any),
        "realpath" => known("emLPqsz", &["relative-to=", "relative-base=", "no-symlinks", "zero"], Operands::Any),
        "pwd" => known("LP", &[], Operands::AtMost(0)),
        _ => None,
    }
}

/// Programs that read files, or their standard input, to the end.
fn text(name: &str) -> Option<Rule> {
    match name {
        "cat" => known(
            "AbeEnstTuv",
            &["show-all", "number-nonblank", "show-ends", "number", "squeeze-blank", "show-tabs", "show-nonprinting"],
            Operands::Files,
        ),
        "tac" => known("brs:", &[], Operands::Files),
        "nl" => known("b:d:f:h:i:l:n:ps:v:w:", &[], Operands::Files),
        "head" => known(
            "c:n:qvz0123456789",
            &["bytes=", "lines=", "quiet", "silent", "verbose", "zero-terminated"],
            Operands::Files,
        ),
        "tail" => Some(Rule::Own(tail)),
        "wc" => known("clmLw", &["bytes", "chars", "lines", "max-line-length", "words", "total="], Operands::Files),
        "cut" => known(
            "b:c:d:f:nsz",
            &["bytes=", "characters=", "delimiter=", "fields=", "complement", "only-delimited", "output-delimiter="],
            Operands::Files,
        ),
        "tr" => known("cCdst", &["complement", "delete", "squeeze-repeats", "truncate-set1"], Operands::AtMost(2)),
        // Not -o (writes), -T (where it writes), --compress-program (runs it).
        "sort" => known(
            "bdfgiMhnRrVcCk:mst:uzS:",
            &[
                "ignore-leading-blanks",
                "dictionary-order",
                "ignore-case",
                "general-numeric-sort",
                "ignore-nonprinting",
                "month-sort",
                "human-numeric-sort",
                "numeric-sort",
                "random-sort",
                "reverse",
                "sort=",
                "version-sort",
                "check?",
                "key=",
                "merge",
                "stable",
                "field-separator=",
                "unique",
                "zero-terminated",
                "parallel=",
                "buffer-size=",
            ],
            Operands::Files,
        ),
        // A second operand is written to.
        "uniq" => known(
            "cdDf:is:uw:z",
            &[
                "count",
                "repeated",
                "all-repeated?",
                "skip-fields=",
                "group?",
                "ignore-case",
                "skip-chars=",
                "unique",
                "check-chars=",
                "zero-terminated",
            ],
            Operands::AtMost(1),
        ),
        "column" => known("c:ts:o:xJ", &["table", "separator=", "output-separator=", "json"], Operands::Files),
        "paste" => known("d:sz", &["delimiters=", "serial"], Operands::Files),
        "comm" => known("123z", &["total", "check-order", "nocheck-order", "output-delimiter="], Operands::Files),
        "cmp" => known("bi:ln:s", &["print-bytes", "verbose", "silent", "quiet", "bytes="], Operands::Files),
        "diff" => known(
            "abBciqrsuwyU:C:W:N",
            &["brief", "unified?", "side-by-side", "recursive", "ignore-all-space", "new-file", "color?", "text"],
            Operands::Files,
        ),
        "fold" => known("bsw:", &["bytes", "spaces", "width="], Operands::Files),
        "rev" => known("", &[], Operands::Files),
        "md5sum" | "sha1sum" | "sha256sum" | "sha512sum" | "cksum" => {
            known("bctwz", &["check", "quiet", "status", "strict", "tag", "text", "binary", "warn"], Operands::Files)
        }
        // Not -C (writes), -m (where it writes), -s (devices), -z (runs decompressors).
        "file" => known("bF:hiLkr", &["brief", "mime", "mime-type", "mime-encoding", "dereference"], Operands::Any),
        "zcat" => known("fq", &[], Operands::Files),
        _ => None,
    }
}

fn tail(words: &[&str]) -> Result<(), String> {
    const KNOWN: super::Options = super::Options {
        short: "c:n:qvz0123456789",
        long: &["bytes=", "lines=", "quiet", "silent", "verbose", "zero-terminated"],
    };
    let follows = |word: &&&str| match word.strip_prefix("--") {
        Some(long) => long.starts_with('f') || long.starts_with("retry"),
        None => word.starts_with('-') && word.contains(['f', 'F']),
    };
    match super::options::parse(&KNOWN, words) {
        Ok(Arguments { operands, .. }) => Operands::Files.check(&operands),
        Err(_) if words.iter().any(|word| follows(&word)) => {
            Err("it follows a file and does not end by itself".to_owned())
        }
        Err(word) => Err(super::not_known(&word)),
    }
}

/// Tests and actions of `find` that only look, and how many words each takes.
#[rustfmt::skip]
const FIND: &[(&str, usize)] = &[
    ("!", 0), ("(", 0), (")", 0), (",", 0), ("-a", 0), ("-and", 0), ("-daystart", 0), ("-depth", 0), ("-empty", 0),
    ("-executable", 0), ("-false", 0), ("-follow", 0), ("-ignore_readdir_race", 0), ("-ls", 0), ("-mount", 0), ("-nogroup", 0),
    ("-noleaf", 0), ("-not", 0), ("-nouser", 0), ("-nowarn", 0), ("-o", 0), ("-or", 0), ("-print", 0), ("-print0", 0),
    ("-prune", 0), ("-quit", 0), ("-readable", 0), ("-true", 0), ("-warn", 0), ("-writable", 0), ("-xdev", 0),
    ("-amin", 1), ("-anewer", 1), ("-atime", 1), ("-cmin", 1), ("-cnewer", 1), ("-ctime", 1), ("-fstype", 1), ("-gid", 1),
    ("-group", 1), ("-ilname", 1), ("-iname", 1), ("-inum", 1), ("-ipath", 1), ("-iregex", 1), ("-links", 1), ("-lname", 1),
    ("-maxdepth", 1), ("-mindepth", 1), ("-mmin", 1), ("-mtime", 1), ("-name", 1), ("-newer", 1), ("-newerat", 1),
    ("-newerct", 1), ("-newermt", 1), ("-path", 1), ("-perm", 1), ("-printf", 1), ("-regex", 1), ("-regextype", 1),
    ("-samefile", 1), ("-size", 1), ("-type", 1), ("-uid", 1), ("-used", 1), ("-user", 1), ("-wholename", 1), ("-xtype", 1),
];

/// Not -exec, -execdir, -ok, -okdir, -delete, -fls, -fprint and its like, -files0-from.
fn find(words: &[&str]) -> Result<(), String> {
    let mut rest = words.iter().copied().skip_while(|word| matches!(*word, "-H" | "-L" | "-P")).peekable();
    while rest.next_if(|word| !word.starts_with('-') && !matches!(*word, "(" | ")" | "," | "!")).is_some() {}
    while let Some(word) = rest.next() {
        let Some((_, values)) = FIND.iter().find(|(known, _)| *known == word) else {
            return Err(super::not_known(word));
        };
        for _ in 0..*values {
            rest.next().ok_or_else(|| format!("the value of {word} is missing"))?;
        }
    }
    Ok(())
}
