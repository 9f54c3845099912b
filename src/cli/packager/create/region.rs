use super::description::RegionSource;
use super::parts::{obsolete_list, skip_list};
use crate::cli::CommandError;
use crate::fsio;
use crate::manifest::RegionKind;
use crate::package::builder::{Content, DraftRegion};

/// Reads `kind=...,file=...[,name=...][,media-type=...]`.
pub(super) fn parse_region(text: &str) -> Result<RegionSource, String> {
    let (mut kind, mut file, mut name, mut media_type) = (None, None, None, None);
    for part in text.split(',') {
        let (key, value) = part
            .split_once('=')
            .ok_or_else(|| format!("{part:?} is no key=value"))?;
        let place = match key {
            "kind" => &mut kind,
            "file" => &mut file,
            "name" => &mut name,
            "media-type" => &mut media_type,
            _ => {
                return Err(format!(
                    "unknown key {key:?}: expected kind, file, name, media-type"
                ));
            }
        };
        if place.replace(value.to_owned()).is_some() {
            return Err(format!("{key:?} is given twice"));
        }
    }
    let kind = kind.ok_or("kind=... is missing")?;
    addable(&kind)?;
    Ok(RegionSource {
        kind,
        file: file.ok_or("file=... is missing")?.into(),
        name,
        media_type: media_type.unwrap_or_default(),
    })
}

impl RegionSource {
    /// The region; lists are read now, so that no package holds one that no reader accepts.
    pub(super) fn draft(&self) -> Result<DraftRegion, CommandError> {
        let kind = self.region_kind()?;
        match kind {
            RegionKind::SkipList => skip_list(&self.file).map(drop)?,
            RegionKind::ObsoleteList => obsolete_list(&self.file).map(drop)?,
            _ => {}
        }
        Ok(DraftRegion {
            kind,
            name: self.region_name(),
            media_type: self.media_type.clone(),
            content: Content::File(fsio::open_regular(&self.file)?),
        })
    }

    /// The kind, which must be one that a person may add.
    pub(super) fn region_kind(&self) -> Result<RegionKind, CommandError> {
        addable(&self.kind).map_err(|what| CommandError::failed(what).code("E_REGION_KIND"))
    }

    /// The region's name: the one given, else the file's.
    pub(super) fn region_name(&self) -> String {
        let of_file = || {
            self.file
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        self.name.clone().or_else(of_file).unwrap_or_default()
    }
}

/// Payload, README and the tables of the payload are made from other flags.
fn addable(kind: &str) -> Result<RegionKind, String> {
    use RegionKind::{FileTable, Payload, PayloadIndex, Readme};
    let is_addable =
        |kind: &RegionKind| !matches!(kind, Payload | Readme | FileTable | PayloadIndex);
    kind.parse().ok().filter(is_addable).ok_or_else(|| {
        let kinds = RegionKind::KNOWN.iter().filter(|kind| is_addable(kind));
        let names: Vec<_> = kinds.map(|kind| kind.name()).collect();
        format!(
            "{kind:?} is no kind of region to add: expected one of {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_needs_a_kind_and_a_file() {
        let region = parse_region("kind=hook,file=a/b.sh").unwrap();
        assert_eq!(region.region_kind().unwrap(), RegionKind::Hook);
        assert_eq!(region.region_name(), "b.sh");
        let region = parse_region("name=n,media-type=m,file=f,kind=other").unwrap();
        assert_eq!(
            (region.region_name().as_str(), region.media_type.as_str()),
            ("n", "m")
        );
    }

    #[test]
    fn what_is_no_region_is_refused() {
        for text in [
            "",
            "hook",
            "kind=hook",
            "file=f",
            "kind=hook,file=f,file=g",
            "kind=hook,file=f,mode=1",
            "kind=payload,file=f",
            "kind=readme,file=f",
            "kind=file-table,file=f",
            "kind=unknown,file=f",
        ] {
            assert!(parse_region(text).is_err(), "{text:?}");
        }
    }
}
