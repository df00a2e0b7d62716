//! Drawing: numbers that are the same in every run, and the secrets that people and machines make up.

/// A generator of numbers from a seed (splitmix64, Steele, Lea and Flood 2014).
pub(crate) struct Draw(u64);

pub(crate) const HEX: &str = "0123456789abcdef";
pub(crate) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
pub(crate) const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const WORDY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
pub(crate) const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SIGNS: &str = "!#%*+-_.?~^";

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap()
    }

    pub(crate) fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    pub(crate) fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| letters[self.below(letters.len())]).collect()
    }

    /// What a person or a generator of passwords makes up.
    pub(crate) fn password(&mut self) -> String {
        match self.below(6) {
            0 => {
                let word = self.of(&["Summer", "Winter", "Dragon", "Falcon", "Hunter", "Tiger", "Monkey", "Orange"]);
                format!("{word}{}{}", 10 + self.below(3000), self.of(&["!", "#", "", "$", "?"]))
            }
            1 => {
                let word = self.of(&["hunter", "welcome", "letmein", "qwertz", "geheim", "kaffee"]);
                format!("{word}{}", self.below(1000))
            }
            2 => self.text(ALNUM, 16),
            3 => {
                let length = 12 + self.below(10);
                let signs = format!("{ALNUM}{SIGNS}");
                format!("{}7{}", self.text(ALNUM, 3), self.text(&signs, length))
                    .trim_end_matches(['.', '?', '!'])
                    .to_owned()
                    + "k"
            }
            4 => {
                let words = ["correct", "horse", "battery", "staple", "copper", "lantern", "violet", "anchor"];
                format!("{}-{}-{}-{}", self.of(&words), self.of(&words), self.of(&words), self.below(100))
            }
            _ => format!(
                "{}{}{}",
                self.text("abcdefghjkmnpqrstuvwxyz", 4),
                self.text("23456789", 3),
                self.text("ABCDEFGHJKLMNPQRSTUVWXYZ", 4)
            ),
        }
    }

    pub(crate) fn user(&mut self) -> &'static str {
        self.of(&["app", "svc_orders", "postgres", "admin", "reporting", "root", "deploy", "jdoe", "etl-job"])
    }

    pub(crate) fn host(&mut self) -> String {
        let n = self.below(40);
        match self.below(4) {
            0 => format!("db{n:02}.prod.internal"),
            1 => format!("10.{}.{}.{}", self.below(255), self.below(255), 1 + self.below(250)),
            2 => format!("cache-{n}.svc.cluster.local"),
            _ => format!("node-{n}"),
        }
    }
}
