//! Keeping secrets that an action was given out of its recorded output.
//!
//! Owns: finding them across the pieces in which output comes. What a program encodes or cuts first is not found.

/// Stands where a secret stood.
const MASK: &[u8] = b"[SECRET]";

/// Shorter ones are not looked for: they stand everywhere. In bytes.
const SHORTEST: usize = 6;

/// What separates the password from the rest in a line of a password file.
const SEPARATORS: [u8; 4] = [b':', b'=', b' ', b'\t'];

/// Looks for secrets in a stream.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// Longest first.
    secrets: Vec<Vec<u8>>,
    /// The end of what came, if a secret may begin there.
    held: Vec<u8>,
}

impl Mask {
    /// A mask for `values`, and for the last word of each.
    pub(super) fn new(values: &[Vec<u8>]) -> Self {
        let last = |value: &Vec<u8>| value.rsplit(|byte| SEPARATORS.contains(byte)).next().unwrap_or_default().to_vec();
        let mut secrets: Vec<Vec<u8>> = values.iter().cloned().chain(values.iter().map(last)).collect();
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets, held: Vec::new() }
    }

    /// What can be recorded after `bytes` came.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        let mut passed = Vec::with_capacity(rest.len());
        while let Some(first) = rest.first() {
            if self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest)) {
                self.held = rest.to_vec();
                break;
            }
            let skipped = match self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                Some(secret) => {
                    passed.extend_from_slice(MASK);
                    secret.len()
                }
                None => {
                    passed.push(*first);
                    1
                }
            };
            rest = rest.get(skipped..).unwrap_or_default();
        }
        passed
    }

    /// What was held back when nothing more comes: the beginning of a secret, which may be all but its last byte.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        if held.len() >= SHORTEST { MASK.to_vec() } else { held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_however_the_output_is_cut() {
        let values = [b"*:*:*:app:hunter22".to_vec(), b"abcabcabd".to_vec(), b"xyz".to_vec()];
        let text = b"a *:*:*:app:hunter22 b hunter22 abcabcabcabd xyz hunter2 hunter";
        let expected = "a [SECRET] b [SECRET] abc[SECRET] xyz hunter2 [SECRET]";
        for size in 1..text.len() {
            let mut mask = Mask::new(&values);
            let mut passed: Vec<u8> = text.chunks(size).flat_map(|piece| mask.pass(piece)).collect();
            passed.extend(mask.finish());
            assert_eq!(String::from_utf8_lossy(&passed), expected, "pieces of {size}");
        }
    }

    #[test]
    fn without_secrets_nothing_is_held_back() {
        let mut mask = Mask::new(&[]);
        assert_eq!((mask.pass(b"abc"), mask.finish()), (b"abc".to_vec(), Vec::new()));
    }
}
