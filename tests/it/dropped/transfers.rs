//! Files that go up and down.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use dataverse_client::{FileColumn, New};
use dataverse_emulator::Emulator;
use tokio::io::{AsyncRead, ReadBuf};

use super::{World, finish, poll_times};
use crate::documents::{ONLINE, document};
use crate::transfers::AiFile;

/// A file of which each piece is waited for.
struct Slow<'a> {
    rest: &'a [u8],
    is_ready: bool,
}

impl AsyncRead for Slow<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (piece, rest) = self.rest.split_at(self.rest.len().min(buffer.remaining()));
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_transfer_that_was_dropped_goes_on_where_it_was() {
    let world = World::of(Emulator::builder().document(document(ONLINE)));
    let body = New::new().set(AiFile::MSDYN_NAME, "A");
    let id = finish(world.client.create(body)).unwrap();
    let column = || FileColumn::of(id, AiFile::MSDYN_FILE);
    // Two chunks, with and without a length that is known before.
    let file: Vec<u8> = (0..4_200_000_u32).map(|at| (at % 251) as u8).collect();
    let reader = |from: u64| Slow {
        rest: &file[usize::try_from(from).unwrap()..],
        is_ready: false,
    };
    for length in [Some(file.len() as u64), None] {
        let mut ended_untold = 0;
        world.drop_everywhere(|polls| {
            finish(world.client.delete_file(column())).unwrap();
            let mut upload = world.client.upload(column(), "a.bin");
            let done = poll_times(upload.send(reader(0), length), polls).map(Result::unwrap);
            let state = upload.state().cloned();
            drop(upload);
            if done.is_none() {
                let mut rest = world.client.upload(column(), "a.bin");
                let offset = state.as_ref().map_or(0, |state| state.offset());
                if let Some(state) = state {
                    rest = rest.resume(state);
                }
                // The service may have had all of it, and then it takes nothing more.
                if let Err(error) = finish(rest.send(reader(offset), length)) {
                    assert!(error.status().is_some(), "{polls}: {error}");
                    ended_untold += 1;
                }
            }
            let mut bytes = Vec::new();
            finish(world.client.download(column()).write_to(&mut bytes)).unwrap();
            assert!(bytes == file, "{polls}: {} bytes", bytes.len());
            done.is_some()
        });
        assert_eq!(ended_untold, 1, "{length:?}");
    }
    world.drop_everywhere(|polls| {
        let mut bytes = Vec::new();
        let mut download = world.client.download(column());
        let done = poll_times(download.write_to(&mut bytes), polls).map(Result::unwrap);
        let state = download.state().cloned();
        drop(download);
        if done.is_none() {
            let offset = state.as_ref().map_or(0, |state| state.offset());
            bytes.truncate(usize::try_from(offset).unwrap());
            let mut rest = world.client.download(column());
            if let Some(state) = state {
                rest = rest.resume(state);
            }
            finish(rest.write_to(&mut bytes)).unwrap();
        }
        assert!(bytes == file, "{polls}: {} bytes", bytes.len());
        done.is_some()
    });
}
