//! Until when a certificate is valid, and the watch over that.
//!
//! Owns: reading the end of the validity from a PEM file, when it is too near, and the labels of that alert. Does not: check
//! signatures or names; nobody trusts a certificate because of what stands here.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag};

use super::alarm::{Finding, Probe, Reading, labels};
use super::authority::{AUTHORITY_NAME, SERVER_NAME};
use crate::domain::alert::Labels;
use crate::domain::time::Timestamp;

/// The alert fires when less than this is left.
const WARN_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Looks at a certificate on the disk.
pub(super) struct Validity {
    /// The PEM file. The first certificate in it counts.
    pub(super) file: PathBuf,
}

impl Validity {
    /// The labels of its alert, named as x509-certificate-exporter names them.
    pub(super) fn labels(&self, host: &str) -> Labels {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        labels([
            ("alertname", "CertificateExpiringSoon"),
            ("severity", "warning"),
            ("cluster", "demo"),
            ("instance", host),
            ("job", "x509-certificate-exporter"),
            ("subject_CN", SERVER_NAME),
            ("issuer_CN", AUTHORITY_NAME),
            ("filename", &name),
            ("filepath", &self.file.display().to_string()),
        ])
    }
}

impl Probe for Validity {
    fn measure(&self, now: Timestamp) -> Option<Reading> {
        let text = std::fs::read(&self.file).ok()?;
        let end = match valid_until(&text) {
            Ok(end) => end,
            // Someone is writing it, or has broken it; neither says that it is valid.
            Err(error) => {
                tracing::warn!(file = %self.file.display(), %error, "a certificate of the demo cannot be read");
                return Some(Reading {
                    finding: Finding::Between,
                    summary: format!("The certificate of {SERVER_NAME} cannot be read: {error}"),
                });
            }
        };
        let left = end.since(now);
        let finding = if left < WARN_WITHIN { Finding::Bad } else { Finding::Good };
        let hours = left.as_secs() / 3_600;
        Some(Reading {
            finding,
            summary: format!("The certificate of {SERVER_NAME} ends in {hours} h, at {}", end.to_rfc3339()),
        })
    }
}

/// Why the end of the validity could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValidityError {
    /// There is no certificate in the file.
    #[error("there is no PEM certificate in it ({0:?})")]
    Pem(rustls::pki_types::pem::Error),
    /// What is there is not an X.509 certificate.
    #[error("it is no X.509 certificate ({0})")]
    Der(ASN1Error),
}

/// `notAfter` of the first certificate in a PEM file.
///
/// # Errors
/// See [`ValidityError`].
pub(super) fn valid_until(pem: &[u8]) -> Result<Timestamp, ValidityError> {
    let der = CertificateDer::from_pem_slice(pem).map_err(ValidityError::Pem)?;
    yasna::parse_der(&der, |certificate| {
        certificate.read_sequence(|parts| {
            let end = parts.next().read_sequence(to_be_signed)?;
            skip_rest(parts)?;
            Ok(end)
        })
    })
    .map_err(ValidityError::Der)
}

/// Reads `TBSCertificate` (RFC 5280, section 4.1) up to the validity and passes over the rest.
fn to_be_signed(fields: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Timestamp> {
    fields.read_optional(|version| version.read_tagged(Tag::context(0), |version| version.read_u8()))?;
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        fields.next().read_der()?;
    }
    let end = fields.next().read_sequence(|validity| {
        validity.next().read_der()?;
        time(validity.next())
    })?;
    skip_rest(fields)?;
    Ok(end)
}

fn skip_rest(fields: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while fields.read_optional(|field| field.read_der())?.is_some() {}
    Ok(())
}

/// A `Time`: `UTCTime` up to 2049, `GeneralizedTime` from 2050 on.
fn time(field: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    let moment: SystemTime = match field.lookahead_tag()? {
        TAG_UTCTIME => (*field.read_utctime()?.datetime()).into(),
        TAG_GENERALIZEDTIME => (*field.read_generalized_time()?.datetime()).into(),
        _ => return Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    };
    let millis = match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).ok(),
        Err(before) => i64::try_from(before.duration().as_millis()).ok().map(|millis| -millis),
    };
    millis.map(Timestamp::from_millis).ok_or_else(|| ASN1Error::new(ASN1ErrorKind::IntegerOverflow))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::super::authority::tests::self_signed;
    use super::*;

    /// 2026-03-01T02:14:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_772_331_240_000);

    #[test]
    fn the_end_is_read_in_both_notations() {
        // 2049 is written with two digits of the year, 2050 with four.
        for text in ["2026-03-01T07:14:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            let end = Timestamp::parse_rfc3339(text).unwrap();
            assert_eq!(valid_until(self_signed(end).as_bytes()).unwrap(), end);
        }
    }

    #[test]
    fn less_than_a_week_is_too_near() {
        let directory = tempfile::tempdir().unwrap();
        let validity = Validity { file: directory.path().join("x.crt") };
        assert_eq!(validity.measure(NOW), None, "there is nothing yet");
        let day = Duration::from_secs(24 * 60 * 60);
        for (end, finding) in [
            (NOW.minus(day), Finding::Bad),
            (NOW.plus(day / 4), Finding::Bad),
            (NOW.plus(6 * day), Finding::Bad),
            (NOW.plus(7 * day), Finding::Good),
            (NOW.plus(90 * day), Finding::Good),
        ] {
            std::fs::write(&validity.file, self_signed(end)).unwrap();
            assert_eq!(validity.measure(NOW).unwrap().finding, finding, "{}", end.to_rfc3339());
        }
        std::fs::write(&validity.file, "nothing").unwrap();
        assert_eq!(validity.measure(NOW).unwrap().finding, Finding::Between);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            let pem = self_signed(NOW);
            let mut der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
            let at = at % der.len();
            der[at] = byte;
            der.truncate(der.len() - cut % der.len());
            let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&der));
            let _ = valid_until(pem.as_bytes());
        }
    }
}
