//! The command line.

use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::connection::Limits;
use crate::protocol::is_service_name;

pub const USAGE: &str = "usage: echo-rust --key FILE --name NAME --port N [--host ADDRESS] \
                         [--max-connections N] [--idle-seconds N]";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub key: PathBuf,
    pub name: String,
    pub host: String,
    /// 0 for any.
    pub port: u16,
    pub limits: Limits,
}

/// The message says which option is wrong, and has one line.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

/// Takes `--option VALUE` and `--option=VALUE`; of an option given twice the last.
pub fn read_options(args: impl Iterator<Item = OsString>) -> Result<Options, UsageError> {
    let given = Given::read(args)?;
    let name = text("--name", given.name.ok_or_else(|| missing("--name"))?)?;
    if !is_service_name(&name) {
        let message =
            format!("--name: service name: expected [a-z0-9][a-z0-9._-]{{0,63}}, got {name:?}");
        return Err(UsageError(message));
    }
    let usual = Limits::default();
    let connections = whole_number("--max-connections", given.connections, 1..=65_535)?;
    let idle = whole_number("--idle-seconds", given.idle, 1..=86_400)?;
    Ok(Options {
        key: given.key.ok_or_else(|| missing("--key"))?.into(),
        name,
        host: given.host.map_or(Ok("127.0.0.1".to_owned()), |host| text("--host", host))?,
        port: whole_number("--port", given.port, 0..=65_535)?.ok_or_else(|| missing("--port"))?,
        limits: Limits {
            connections: connections.unwrap_or(usual.connections),
            idle: idle.map_or(usual.idle, Duration::from_secs),
            ..usual
        },
    })
}

#[derive(Default)]
struct Given {
    key: Option<OsString>,
    name: Option<OsString>,
    host: Option<OsString>,
    port: Option<OsString>,
    connections: Option<OsString>,
    idle: Option<OsString>,
}

impl Given {
    fn read(mut args: impl Iterator<Item = OsString>) -> Result<Given, UsageError> {
        let mut given = Given::default();
        while let Some(argument) = args.next() {
            let (option, value) = split(&argument);
            let place = given.place(&option)?;
            let value = value.or_else(|| args.next().filter(|next| !starts_as_option(next)));
            *place =
                Some(value.ok_or_else(|| UsageError(format!("{option}: a value is missing")))?);
        }
        Ok(given)
    }

    fn place(&mut self, option: &str) -> Result<&mut Option<OsString>, UsageError> {
        match option {
            "--key" => Ok(&mut self.key),
            "--name" => Ok(&mut self.name),
            "--host" => Ok(&mut self.host),
            "--port" => Ok(&mut self.port),
            "--max-connections" => Ok(&mut self.connections),
            "--idle-seconds" => Ok(&mut self.idle),
            _ => Err(UsageError(format!("unknown argument {option:?}"))),
        }
    }
}

/// `--option=VALUE` in two. What is not UTF-8 is shown as far as it can be, and matches no option.
fn split(argument: &OsStr) -> (String, Option<OsString>) {
    match argument.to_str().and_then(|text| text.split_once('=')) {
        Some((option, value)) if option.starts_with("--") => (option.into(), Some(value.into())),
        _ => (argument.to_string_lossy().into_owned(), None),
    }
}

fn starts_as_option(argument: &OsStr) -> bool {
    argument.to_string_lossy().starts_with("--")
}

fn missing(option: &str) -> UsageError {
    UsageError(format!("{option} is missing"))
}

fn text(option: &str, value: OsString) -> Result<String, UsageError> {
    let wrong = |_| UsageError(format!("{option}: expected text in UTF-8"));
    value.into_string().map_err(wrong)
}

/// Digits alone, without a sign; `None` for an option that was not given.
fn whole_number<T: TryFrom<u32>>(
    option: &str,
    value: Option<OsString>,
    range: RangeInclusive<u32>,
) -> Result<Option<T>, UsageError> {
    let Some(value) = value else { return Ok(None) };
    let digits = |text: &&str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u32> = value.to_str().filter(digits).and_then(|text| text.parse().ok());
    let fitting =
        number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
    let (min, max) = (range.start(), range.end());
    let wrong = || UsageError(format!("{option}: expected a whole number from {min} to {max}"));
    fitting.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, UsageError> {
        read_options(args.iter().map(OsString::from))
    }

    const LEAST: [&str; 6] = ["--key", "k", "--name", "echo-rust", "--port", "0"];

    fn with(more: &[&str]) -> Result<Options, UsageError> {
        read(&[&LEAST[..], more].concat())
    }

    #[test]
    fn least_and_most() {
        let least = Options {
            key: "k".into(),
            name: "echo-rust".into(),
            host: "127.0.0.1".into(),
            port: 0,
            limits: Limits::default(),
        };
        assert_eq!(read(&LEAST), Ok(least));
        let most = with(&[
            "--host",
            "::1",
            "--max-connections",
            "3",
            "--idle-seconds=86400",
            "--port=65535",
        ]);
        let most = most.unwrap();
        assert_eq!((most.host.as_str(), most.port), ("::1", 65_535));
        assert_eq!((most.limits.connections, most.limits.idle.as_secs()), (3, 86_400));
        assert_eq!(with(&["--port", "7", "--port", "8"]).unwrap().port, 8);
    }

    #[test]
    fn refusals() {
        for (more, wanted) in [
            (&["--port", "65536"][..], "--port: expected a whole number from 0 to 65535"),
            (&["--port", "-1"], "--port: expected a whole number from 0 to 65535"),
            (&["--port", "+1"], "--port: expected a whole number from 0 to 65535"),
            (&["--port", "4294967296"], "--port: expected a whole number from 0 to 65535"),
            (&["--port="], "--port: expected a whole number from 0 to 65535"),
            (
                &["--max-connections", "0"],
                "--max-connections: expected a whole number from 1 to 65535",
            ),
            (
                &["--max-connections", "65536"],
                "--max-connections: expected a whole number from 1 to 65535",
            ),
            (&["--idle-seconds", "1.5"], "--idle-seconds: expected a whole number from 1 to 86400"),
            (&["--idle-seconds", "0"], "--idle-seconds: expected a whole number from 1 to 86400"),
            (
                &["--name", "Echo"],
                "--name: service name: expected [a-z0-9][a-z0-9._-]{0,63}, got \"Echo\"",
            ),
            (
                &["--name", "a\nb"],
                "--name: service name: expected [a-z0-9][a-z0-9._-]{0,63}, got \"a\\nb\"",
            ),
            (&["--host"], "--host: a value is missing"),
            (&["--host", "--port", "1"], "--host: a value is missing"),
            (&["--verbose"], "unknown argument \"--verbose\""),
            (&["--verbose=1"], "unknown argument \"--verbose\""),
            (&["stray"], "unknown argument \"stray\""),
            (&["stray=1"], "unknown argument \"stray=1\""),
        ] {
            assert_eq!(with(more), Err(UsageError(wanted.into())), "{more:?}");
        }
        for (i, option) in ["--key", "--name", "--port"].iter().enumerate() {
            let mut args = LEAST.to_vec();
            args.drain(2 * i..2 * i + 2);
            assert_eq!(read(&args), Err(UsageError(format!("{option} is missing"))));
        }
    }
}
