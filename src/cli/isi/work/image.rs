use std::path::PathBuf;

use crate::cli::CommandError;
use crate::digest::IdPrefix;
use crate::service::{EnvName, EnvNameError, InstallImage, PackageFile};

/// The image that is meant: a file or a package in the catalog.
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct ImageArgs {
    /// Install the image in FILE; it is verified and imported first
    #[arg(long, value_name = "FILE")]
    install_image_path: Option<PathBuf>,

    /// Install the image with this ID in the catalog, or the first digits of it
    #[arg(long, value_name = "ID")]
    install_image_id: Option<IdPrefix>,
}

impl ImageArgs {
    /// Opens the file, if it is one.
    pub(super) fn open(&self) -> Result<InstallImage, CommandError> {
        match (&self.install_image_path, &self.install_image_id) {
            (Some(path), _) => Ok(InstallImage::File(PackageFile::open(path)?)),
            (None, Some(id)) => Ok(InstallImage::Id(id.clone())),
            (None, None) => Err(CommandError::usage("an image is needed")),
        }
    }
}

/// Reads the name of a boot environment, for flags.
pub(super) fn name(text: &str) -> Result<EnvName, EnvNameError> {
    text.parse()
}
