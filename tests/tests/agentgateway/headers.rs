//! Header fields as agentgateway writes and edits them.

use crate::gateway::Broken;
use bytes::Bytes;
use trackside_extproc::proto::{HeaderAppendAction, HeaderMap, HeaderMutation, HeaderValue, HttpTrailers};

pub type Fields = Vec<(String, String)>;

pub fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Ordinary headers carry bytes and pseudo-headers text, each leaving the other form empty.
pub fn map(fields: &Fields) -> HeaderMap {
    let header = |(key, value): &(String, String)| {
        let pseudo = key.starts_with(':');
        HeaderValue {
            key: key.clone(),
            value: if pseudo { value.clone() } else { String::new() },
            raw_value: if pseudo { Bytes::new() } else { Bytes::copy_from_slice(value.as_bytes()) },
        }
    };
    HeaderMap { headers: fields.iter().map(header).collect() }
}

pub fn trailers() -> HttpTrailers {
    HttpTrailers { trailers: Some(map(&fields(&[("x-checksum", "1")]))) }
}

pub fn is_empty(mutation: &HeaderMutation) -> bool {
    mutation.set_headers.is_empty() && mutation.remove_headers.is_empty()
}

/// Removals first, then what is set.
pub fn apply(fields: &mut Fields, mutation: Option<&HeaderMutation>) -> Result<(), Broken> {
    let Some(mutation) = mutation else { return Ok(()) };
    for name in &mutation.remove_headers {
        fields.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }
    for option in &mutation.set_headers {
        let header = option.header.as_ref().expect("an edit names a header");
        let name = header.key.to_ascii_lowercase();
        let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
        let valid = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ' || *byte == b'\t' || !byte.is_ascii();
        if value.is_empty() || !value.iter().all(valid) || name.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Broken::DropsEdits(format!("{header:?} is skipped")));
        }
        let value = String::from_utf8_lossy(value).into_owned();
        let exists = get(fields, &name).is_some();
        let append = option.append.unwrap_or_default();
        match HeaderAppendAction::try_from(option.append_action).expect("a known action") {
            HeaderAppendAction::AddIfAbsent if exists => continue,
            HeaderAppendAction::OverwriteIfExists if !exists => continue,
            // Plain appending overwrites, unless the older flag is set too.
            HeaderAppendAction::AppendIfExistsOrAdd if append => {}
            _ => fields.retain(|(key, _)| *key != name),
        }
        fields.push((name, value));
    }
    Ok(())
}

/// The length that is declared has to be that of the new body.
pub fn check_length(fields: &Fields, length: usize) -> Result<(), Broken> {
    match get(fields, "content-length") {
        Some(declared) if declared != length.to_string() => {
            Err(Broken::Fails(format!("content-length {declared} for a body of {length} bytes")))
        }
        _ => Ok(()),
    }
}
