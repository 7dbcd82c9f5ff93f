//! Lines in, lines out: standard input and output, or a Unix socket with a session per connection.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use super::{MAX_LINE_BYTES, Session, refuse_line};

/// How long to wait before accepting again when the system is out of something.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// One session on standard input and output, until the input ends.
pub fn serve_stdio() -> io::Result<()> {
    serve(io::stdin().lock(), io::stdout().lock())
}

/// One session, until `input` ends or nobody reads `output` any more.
///
/// Answers are flushed one by one. The error is one of `input` or `output`, not of what a client says.
pub fn serve(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut session = Session::new();
    let mut line = Vec::new();
    loop {
        let answer = match read_line(&mut input, &mut line)? {
            Line::End => return Ok(()),
            Line::TooLong => Some(refuse_line(&format!("it is longer than {MAX_LINE_BYTES} bytes"))),
            Line::Read => match std::str::from_utf8(&line) {
                Ok(text) => session.handle_line(text),
                Err(error) => Some(refuse_line(&error.to_string())),
            },
        };
        let Some(mut answer) = answer else { continue };
        answer.push('\n');
        match output.write_all(answer.as_bytes()).and_then(|()| output.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
    }
}

enum Line {
    Read,
    TooLong,
    End,
}

/// Reads a line into `line`, without its end; of one that is too long, nothing is kept.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let limit = u64::try_from(MAX_LINE_BYTES).expect("a length fits 64 bits") + 1;
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.pop_if(|last| *last == b'\n').is_some() || line.len() <= MAX_LINE_BYTES {
        return Ok(Line::Read);
    }
    line.clear();
    input.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

/// A Unix socket that serves each connection in a session of its own. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `path`. A socket that an ended process left there is replaced; any other file is an error.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let socket = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(path)? => {
                fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            result => result,
        };
        Ok(Self { socket: socket?, path: path.to_owned() })
    }

    /// Serves connections, each in a thread, for as long as the process lives. A signal that ends it leaves the
    /// socket's file behind, and the next [`bind`](Self::bind) replaces it.
    pub fn run(&self) -> ! {
        loop {
            let served = self.socket.accept().and_then(|(stream, _)| serve_in_thread(stream));
            if let Err(error) = served {
                tracing::warn!(%error, "a connection could not be served");
                thread::sleep(ACCEPT_AGAIN);
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "the socket could not be removed");
        }
    }
}

/// Whether `path` is a socket at which nobody listens.
fn is_stale(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    match UnixStream::connect(path) {
        Ok(_) => Ok(false),
        Err(error) => Ok(error.kind() == ErrorKind::ConnectionRefused),
    }
}

fn serve_in_thread(stream: UnixStream) -> io::Result<()> {
    let input = BufReader::new(stream.try_clone()?);
    thread::Builder::new().name("session".to_owned()).spawn(move || {
        if let Err(error) = serve(input, stream) {
            tracing::debug!(%error, "a connection was lost");
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: impl BufRead) -> Vec<String> {
        let mut output = Vec::new();
        serve(input, &mut output).expect("memory takes and gives everything");
        String::from_utf8(output).expect("JSON").lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_last_line_needs_no_end_and_a_bad_line_ends_nothing() {
        let answers = answers(&b"\xff\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events\"}"[..]);
        assert_eq!(answers.len(), 2);
        assert!(answers[0].contains("-32700") && answers[0].contains("utf-8"), "{}", answers[0]);
        assert!(answers[1].contains("\"id\":1") && answers[1].contains("-32000"), "{}", answers[1]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let long = io::repeat(b' ').take(u64::try_from(MAX_LINE_BYTES + 9).expect("small"));
        let answers = answers(BufReader::new(long.chain(&b"\n[]\n"[..])));
        assert_eq!(answers.len(), 2);
        assert!(answers[0].contains("longer than"), "{}", answers[0]);
        assert!(answers[1].contains("empty batch"), "{}", answers[1]);
    }

    #[test]
    fn a_stale_socket_is_replaced_a_live_one_is_not_and_each_connection_has_a_session() {
        let directory = std::env::temp_dir().join(format!("smmu-sim-oracle-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a writable directory for temporary files");
        let path = directory.join("socket");
        drop(UnixListener::bind(&path).expect("a fresh path"));
        let listener = Listener::bind(&path).expect("nobody listens there");
        let second = Listener::bind(&path).expect_err("somebody listens there");
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
        drop(listener);
        assert!(!path.exists());
        let listener = Listener::bind(&path).expect("a fresh path");
        thread::spawn(move || listener.run());
        let ask = |stream: &UnixStream, request: &str| {
            let mut stream = stream;
            stream.write_all(format!("{request}\n").as_bytes()).expect("a live server");
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).expect("a live server");
            answer
        };
        let [one, two] = [0, 1].map(|_| UnixStream::connect(&path).expect("a live server"));
        let new = r#"{"jsonrpc":"2.0","id":1,"method":"smmu.new"}"#;
        let events = r#"{"jsonrpc":"2.0","id":2,"method":"events"}"#;
        assert!(ask(&one, new).contains("result"));
        assert!(ask(&two, events).contains("smmu.new first"));
        assert!(ask(&one, events).contains("result"));
        fs::remove_dir_all(&directory).expect("a directory of ours");
    }
}
