use crate::payload::Compression;

/// Reads `zstd`, `zstd:LEVEL` or `none`.
pub(super) fn parse_compression(text: &str) -> Result<Compression, String> {
    let expected = || {
        format!(
            "expected zstd, zstd:LEVEL with a level from 1 to {}, or none",
            Compression::HIGHEST_LEVEL
        )
    };
    match text.split_once(':') {
        None if text == "none" => Ok(Compression::None),
        None if text == "zstd" => Ok(Compression::default()),
        Some(("zstd", level)) => level
            .parse()
            .ok()
            .filter(|level| (1..=Compression::HIGHEST_LEVEL).contains(level))
            .map(Compression::Zstd)
            .ok_or_else(expected),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_zstd_with_a_level_or_none() {
        assert_eq!(parse_compression("none"), Ok(Compression::None));
        assert_eq!(parse_compression("zstd"), Ok(Compression::default()));
        assert_eq!(parse_compression("zstd:19"), Ok(Compression::Zstd(19)));
        for text in [
            "",
            "gzip",
            "zstd:",
            "zstd:0",
            "zstd:23",
            "zstd:fast",
            "none:1",
        ] {
            assert!(parse_compression(text).is_err(), "{text:?}");
        }
    }
}
