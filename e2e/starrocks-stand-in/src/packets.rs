//! MySQL's client/server protocol as clients of StarRocks use it: packets and text rows,
//! no prepared statements.

use std::io;

use mysql_common::{
    constants::{CapabilityFlags, ColumnType, StatusFlags},
    io::BufMutExt,
    packets::{Column, ErrPacket, ServerError, SqlState},
    proto::MySerialize,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    error::SqlError,
    execute::{Answer, Rows},
};

/// Capabilities of the server. Rows end with an EOF packet.
pub const CAPABILITIES: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_CONNECT_WITH_DB)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    // MariaDB's client announces them, and sends them only if the server asks.
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS)
    .union(CapabilityFlags::CLIENT_SSL);

/// Number of the collation utf8_general_ci.
pub const COLLATION: u8 = 33;

/// Maximum packet size. Larger packets would be split, which no client here needs.
const MAXIMUM: usize = 0xFF_FFFF;

pub struct Packets<S> {
    stream: S,
    sequence: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    /// Creates packets over a stream; `sequence` is the number of the next packet.
    pub fn new(stream: S, sequence: u8) -> Self {
        Self { stream, sequence }
    }

    /// Returns the stream and the number of the next packet.
    pub fn into_parts(self) -> (S, u8) {
        (self.stream, self.sequence)
    }

    /// Restarts the sequence numbers for the next command.
    pub fn start_command(&mut self) {
        self.sequence = 0;
    }

    /// Reads a packet; `None` if the client has disconnected.
    pub async fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; 4];
        match self.stream.read_exact(&mut header).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let [first, second, third, sequence] = header;
        let length = u32::from_le_bytes([first, second, third, 0]) as usize;
        if length == MAXIMUM {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the packet is too large",
            ));
        }
        self.sequence = sequence.wrapping_add(1);
        let mut packet = vec![0; length];
        self.stream.read_exact(&mut packet).await?;
        Ok(Some(packet))
    }

    /// Buffers a packet until the next [`Packets::flush`].
    pub async fn write(&mut self, packet: &[u8]) -> io::Result<()> {
        if packet.len() >= MAXIMUM {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the packet is too large",
            ));
        }
        let [first, second, third, ..] = (packet.len() as u32).to_le_bytes();
        self.stream
            .write_all(&[first, second, third, self.sequence])
            .await?;
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(packet).await
    }

    /// Sends the buffered packets.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().await
    }

    /// Writes the result of a statement.
    pub async fn write_outcome(&mut self, outcome: &Result<Answer, SqlError>) -> io::Result<()> {
        match outcome {
            Ok(Answer::Done(written)) => self.write(&ok(*written)).await,
            Ok(Answer::Rows(rows)) => self.write_rows(rows).await,
            Err(error) => self.write(&serialized(&error_packet(error))).await,
        }
    }

    async fn write_rows(&mut self, rows: &Rows) -> io::Result<()> {
        let mut count = Vec::new();
        count.put_lenenc_int(rows.columns.len() as u64);
        self.write(&count).await?;
        for name in &rows.columns {
            let column = Column::new(ColumnType::MYSQL_TYPE_VAR_STRING)
                .with_name(name.as_bytes())
                .with_character_set(u16::from(COLLATION))
                .with_column_length(1024);
            self.write(&serialized(&column)).await?;
        }
        self.write(&EOF).await?;
        for row in &rows.rows {
            let mut packet = Vec::new();
            for value in row {
                match value {
                    Some(value) => packet.put_lenenc_str(value.as_bytes()),
                    None => packet.push(0xFB),
                }
            }
            self.write(&packet).await?;
        }
        self.write(&EOF).await
    }
}

/// No warnings; every statement is its own transaction.
const EOF: [u8; 5] = {
    let [low, high] = StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits().to_le_bytes();
    [0xFE, 0, 0, low, high]
};

fn ok(written: u64) -> Vec<u8> {
    let mut packet = vec![0];
    packet.put_lenenc_int(written);
    // No insert id; then as in EOF, but the status first.
    packet.put_lenenc_int(0);
    packet.extend([EOF[3], EOF[4], 0, 0]);
    packet
}

fn error_packet(error: &SqlError) -> ErrPacket<'_> {
    let mut state = [b'0'; 5];
    state.copy_from_slice(error.state.as_bytes());
    let state = Some(SqlState::new(state));
    ErrPacket::Error(ServerError::new(
        error.code,
        state,
        error.message.as_bytes(),
    ))
}

/// Returns the bytes of a packet.
pub fn serialized(packet: &impl MySerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.serialize(&mut bytes);
    bytes
}
