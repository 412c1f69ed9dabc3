//! Cuts a stream into lines.

use std::io::{self, Read};

use crate::protocol::MAX_LINE;

/// Bytes that one read may bring.
const CHUNK: usize = 16 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// Without its LF.
    Line(&'a [u8]),
    /// More than `MAX_LINE` bytes; its LF is not waited for. Nothing after it can be read.
    TooLong,
    /// The next line has not ended yet.
    Unfinished,
}

/// Keeps `MAX_LINE` bytes of an unfinished line at most, and what one read brought.
pub struct Lines {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Default for Lines {
    fn default() -> Self {
        let bytes = vec![0; MAX_LINE + CHUNK].into_boxed_slice();
        Lines { bytes, start: 0, end: 0 }
    }
}

impl Lines {
    /// One read; returns how many bytes came, 0 at the end of the stream. To be called after
    /// `Unfinished` only: then there is room for a whole chunk.
    pub fn read_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let count = source.read(&mut self.bytes[self.end..])?;
        self.end += count;
        Ok(count)
    }

    pub fn next_line(&mut self) -> Next<'_> {
        let unread = &self.bytes[self.start..self.end];
        let window = &unread[..unread.len().min(MAX_LINE + 1)];
        match window.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                let start = self.start;
                self.start += length + 1;
                Next::Line(&self.bytes[start..start + length])
            }
            None if unread.len() > MAX_LINE => Next::TooLong,
            None => Next::Unfinished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a stream that comes in such chunks; `None`, as the last one, for one too long.
    fn lines_of(chunks: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            assert_eq!(lines.read_from(&mut &chunk[..]).unwrap(), chunk.len());
            loop {
                match lines.next_line() {
                    Next::Line(line) => found.push(Some(line.to_vec())),
                    Next::Unfinished => break,
                    Next::TooLong => {
                        found.push(None);
                        return found;
                    }
                }
            }
        }
        found
    }

    fn some(lines: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        lines.iter().map(|line| Some(line.to_vec())).collect()
    }

    #[test]
    fn the_same_however_the_stream_is_cut() {
        let stream = b"one\n\ntwo\r\nthree\nrest";
        let wanted = some(&[b"one", b"", b"two\r", b"three"]);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let chunks = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(lines_of(&chunks), wanted);
            }
        }
    }

    #[test]
    fn a_line_has_4096_bytes_at_most() {
        let long = vec![b'x'; MAX_LINE];
        assert_eq!(lines_of(&[&long, b"\n"]), some(&[&long]));
        assert_eq!(lines_of(&[&long]), some(&[]));
        assert_eq!(lines_of(&[&long, b"x"]), [None]);
        let longer = [&b"a\n"[..], &long, b"x\nb\n"].concat();
        assert_eq!(lines_of(&[&longer]), [Some(b"a".to_vec()), None]);
        let fitting = [&b"a\n"[..], &long, b"\nb\n"].concat();
        assert_eq!(lines_of(&[&fitting]), some(&[b"a", &long, b"b"]));
    }

    #[test]
    fn a_read_brings_a_whole_chunk_behind_an_unfinished_line() {
        let mut lines = Lines::default();
        let endless = vec![b'x'; 3 * CHUNK];
        lines.read_from(&mut &endless[..MAX_LINE]).unwrap();
        assert_eq!(lines.next_line(), Next::Unfinished);
        assert_eq!(lines.read_from(&mut &endless[..]).unwrap(), CHUNK);
        assert_eq!(lines.next_line(), Next::TooLong);
    }
}
