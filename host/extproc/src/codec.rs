//! How messages become bytes on the wire and back.

use prost::Message;
use std::marker::PhantomData;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// What a stream sets aside for messages that come, and as much for answers, bytes. Most exchanges fit, longer messages get
/// more when they come, and of a thousand parked streams each byte counts.
const BUFFER: usize = 1 << 10;

/// Answers up to this many bytes are sent together, if they are ready at once.
const TOGETHER: usize = 32 << 10;

/// Protobuf, in buffers that fit a crowd of streams.
#[derive(Debug)]
pub(crate) struct Lean<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Lean<T, U> {
    fn default() -> Self {
        Lean(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for Lean<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(BUFFER, TOGETHER))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(BufferSettings::new(BUFFER, TOGETHER))
    }
}
