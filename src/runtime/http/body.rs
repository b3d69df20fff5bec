//! Answers read under caps: decoded size, compression ratio, one content encoding, depth of nesting.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use futures::StreamExt;

use crate::core::request::Trouble;

/// The most bytes of a decoded answer that is held in memory. A tree of values takes about twelve times the text, and all must stay
/// within 300 MB.
pub const MEMORY_LIMIT: usize = 16 * 1024 * 1024;
/// The most bytes of a decoded answer that goes into an archive.
pub const FILE_LIMIT: u64 = 2 * 1024 * 1024 * 1024;
/// The most that an answer may grow by decoding, once it is larger than a megabyte.
const RATIO_LIMIT: u64 = 200;
/// The most levels that a JSON answer may be nested.
pub const DEPTH_LIMIT: usize = 127;
/// The most memory that a JSON answer may take as a tree of values, by [`check_shape`]'s reckoning.
const TREE_LIMIT: usize = 160 * 1024 * 1024;
/// What a byte of text takes, with the copies that are made of it (measured).
const BYTE_COST: usize = 4;
/// What a member or an item takes in a tree, with the room that a growing list keeps.
const VALUE_COST: usize = 240;
/// What an object or a list takes that holds anything.
const CONTAINER_COST: usize = 600;

/// Something that decoded bytes are written into; it refuses when a limit is passed.
pub trait Target: Write {
    /// Bytes taken so far.
    fn taken(&self) -> u64;
}

/// Memory with a limit.
#[derive(Debug, Default)]
pub struct Memory(pub Vec<u8>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MEMORY_LIMIT {
            return Err(too_large(&format!("the answer is larger than {} MiB", MEMORY_LIMIT / 1024 / 1024)));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Memory {
    fn taken(&self) -> u64 {
        self.0.len() as u64
    }
}

/// An error that means a limit was passed.
pub fn too_large(limit: &str) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, limit.to_owned())
}

enum Decoder<T: Target> {
    Identity(T),
    Gzip(Box<GzDecoder<T>>),
    Zlib(Box<ZlibDecoder<T>>),
    Deflate(Box<DeflateDecoder<T>>),
    /// `deflate` may be either of two formats; the first byte tells.
    Undecided(Option<T>),
}

impl<T: Target> Decoder<T> {
    fn new(encoding: &str, target: T) -> Result<Self, Trouble> {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity(target)),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(GzDecoder::new(target)))),
            "deflate" => Ok(Self::Undecided(Some(target))),
            other => Err(Trouble::TooLarge(format!("The answer is encoded as {other}; one gzip or deflate layer is the limit."))),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Self::Undecided(target) = self
            && let (Some(first), Some(target)) = (bytes.first(), target.take())
        {
            *self = if first & 0x0F == 8 {
                Self::Zlib(Box::new(ZlibDecoder::new(target)))
            } else {
                Self::Deflate(Box::new(DeflateDecoder::new(target)))
            };
        }
        match self {
            Self::Identity(target) => target.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes),
            Self::Zlib(decoder) => decoder.write_all(bytes),
            Self::Deflate(decoder) => decoder.write_all(bytes),
            Self::Undecided(_) => Ok(()),
        }
    }

    fn taken(&self) -> u64 {
        match self {
            Self::Identity(target) | Self::Undecided(Some(target)) => target.taken(),
            Self::Gzip(decoder) => decoder.get_ref().taken(),
            Self::Zlib(decoder) => decoder.get_ref().taken(),
            Self::Deflate(decoder) => decoder.get_ref().taken(),
            Self::Undecided(None) => 0,
        }
    }

    fn finish(self) -> io::Result<T> {
        match self {
            Self::Identity(target) | Self::Undecided(Some(target)) => Ok(target),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Undecided(None) => Err(io::Error::other("no target")),
        }
    }
}

/// Reads an answer's body into a target, decoding as it comes.
///
/// # Errors
/// A limit that was passed, silence for longer than `idle`, or a broken connection.
pub async fn read<T: Target>(answer: reqwest::Response, target: T, idle: std::time::Duration) -> Result<T, Trouble> {
    let encoding = answer.headers().get("content-encoding").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut decoder = Decoder::new(&encoding, target)?;
    let mut wire: u64 = 0;
    let mut stream = answer.bytes_stream();
    loop {
        let chunk = match tokio::time::timeout(idle, stream.next()).await {
            Err(_) => return Err(Trouble::TimedOut(format!("The answer stopped coming for {} s.", idle.as_secs()))),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(Trouble::Transport(format!("The answer broke off: {}.", chain(&error)))),
            Ok(Some(Ok(chunk))) => chunk,
        };
        wire += chunk.len() as u64;
        decoder.write(&chunk).map_err(|error| trouble(&error))?;
        let taken = decoder.taken();
        if taken > 1024 * 1024 && taken / wire.max(1) > RATIO_LIMIT {
            return Err(Trouble::TooLarge(format!("The answer unpacks to more than {RATIO_LIMIT} times its size; that is the limit.")));
        }
    }
    decoder.finish().map_err(|error| trouble(&error))
}

fn trouble(error: &io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::FileTooLarge {
        Trouble::TooLarge(format!("Stopped reading: {error}; that is the limit."))
    } else {
        Trouble::Transport(format!("The answer cannot be unpacked: {error}."))
    }
}

/// An error with its causes, without the URL (which may hold a secret), and without the layers that only say that there is a cause.
pub fn chain(error: &dyn std::error::Error) -> String {
    const LAYERS: [&str; 4] = ["error sending request", "client error (Connect)", "client error (SendRequest)", "tcp connect error"];
    let mut text = String::new();
    let mut last = Some(error);
    while let Some(cause) = last {
        let said = cause.to_string();
        last = cause.source();
        if text.contains(&said) || last.is_some() && LAYERS.contains(&said.as_str()) {
            continue;
        }
        text = if text.is_empty() { said } else { format!("{text}: {said}") };
    }
    text
}

/// Whether a JSON text is nested within the limit, and whether its values have room: a megabyte of `[],[],` is fifty as a tree. Counts
/// brackets and commas outside strings; other bytes do not matter.
///
/// # Errors
/// The limit, named.
pub fn check_shape(bytes: &[u8]) -> Result<(), Trouble> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut cost = bytes.len().saturating_mul(BYTE_COST);
    let mut opened = false;
    for byte in bytes {
        if opened && !byte.is_ascii_whitespace() {
            opened = false;
            cost += if matches!(byte, b']' | b'}') { 0 } else { CONTAINER_COST };
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                opened = true;
                if depth > DEPTH_LIMIT {
                    return Err(Trouble::TooLarge(format!("The answer is nested deeper than {DEPTH_LIMIT} levels; that is the limit.")));
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            b',' if !in_string => cost += VALUE_COST,
            _ => {}
        }
    }
    if cost > TREE_LIMIT {
        let limit = TREE_LIMIT / 1024 / 1024;
        return Err(Trouble::TooLarge(format!("The answer holds too many values: they would take more than the limit of {limit} MiB.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(check_shape(deep(100).as_bytes()).is_ok());
        assert!(check_shape(deep(128).as_bytes()).is_err());
        assert!(check_shape(format!("\"{}\\\"\"", "[".repeat(500)).as_bytes()).is_ok());
    }

    #[test]
    fn a_small_text_of_very_many_values_is_too_large() {
        let many = |item: &str| format!("[{}0]", format!("{item},").repeat(600_000));
        assert!(check_shape(many("[[1]]").as_bytes()).is_err());
        assert!(check_shape(many("[]").as_bytes()).is_ok());
        assert!(check_shape("[]".repeat(100).as_bytes()).is_ok());
    }
}
