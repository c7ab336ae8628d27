//! One client connection: the login, then one statement after the other.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use mysql_common::{
    constants::StatusFlags,
    io::ParseBuf,
    packets::{AuthSwitchRequest, HandshakePacket, HandshakeResponse, SslRequest},
    proto::MyDeserialize,
};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufStream},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use super::{
    MYSQL_VERSION,
    error::{SqlError, SqlResult},
    execute::{Answer, Execution},
    grammar,
    packets::{CAPABILITIES, COLLATION, Packets, serialized},
    sessions::{Session, Sessions},
    state::{Identity, Store},
};

const NATIVE: &str = "mysql_native_password";
/// Length of the packet that requests TLS before the login.
const TLS_REQUEST: usize = 32;

/// State that all connections share.
pub struct Cluster {
    pub store: Mutex<Store>,
    pub sessions: Sessions,
    pub tls: TlsAcceptor,
}

impl Cluster {
    /// Serves a connection until either side closes it.
    pub async fn serve(&self, id: u32, stream: TcpStream, peer: SocketAddr) -> Result<()> {
        let salt = salt()?;
        let mut packets = Packets::new(BufStream::new(stream), 0);
        packets.write(&serialized(&greeting(id, &salt))).await?;
        packets.flush().await?;
        let Some(first) = packets.read().await? else {
            return Ok(());
        };
        if first.len() != TLS_REQUEST {
            return self.converse(id, packets, first, &salt, peer).await;
        }
        parsed::<SslRequest>(&first)?;
        let (stream, sequence) = packets.into_parts();
        let stream = self
            .tls
            .accept(stream)
            .await
            .context("the TLS handshake failed")?;
        let mut packets = Packets::new(stream, sequence);
        match packets.read().await? {
            Some(first) => self.converse(id, packets, first, &salt, peer).await,
            None => Ok(()),
        }
    }

    /// Authenticates the client and answers its commands.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        id: u32,
        mut packets: Packets<S>,
        login: Vec<u8>,
        salt: &[u8],
        peer: SocketAddr,
    ) -> Result<()> {
        let login = parsed::<HandshakeResponse<'_>>(&login)?;
        let name = String::from_utf8_lossy(login.user()).into_owned();
        let plugin = login.auth_plugin().map(|plugin| plugin.as_bytes());
        let mut response = login.scramble_buf().to_vec();
        if plugin.is_some_and(|plugin| plugin != NATIVE.as_bytes()) {
            let data = [salt, &[0]].concat();
            packets
                .write(&serialized(&AuthSwitchRequest::new(
                    NATIVE.as_bytes(),
                    data,
                )))
                .await?;
            packets.flush().await?;
            response = packets
                .read()
                .await?
                .context("the client left during its login")?;
        }
        let mut session = match self.log_in(id, &name, salt, &response) {
            Ok(session) => session,
            Err(error) => {
                packets.write_outcome(&Err(error)).await?;
                return Ok(packets.flush().await?);
            }
        };
        let end = self.sessions.add(&session, peer.to_string());
        let _listed = Listed {
            id,
            sessions: &self.sessions,
        };

        let database = login.db_name().filter(|database| !database.is_empty());
        let opened = match database {
            Some(database) => self.use_database(&mut session, database),
            None => Ok(Answer::Done(0)),
        };
        packets.write_outcome(&opened).await?;
        packets.flush().await?;
        while opened.is_ok() {
            packets.start_command();
            let command = tokio::select! {
                // A killed connection ends before its next statement.
                biased;
                () = end.notified() => break,
                command = packets.read() => command?,
            };
            let Some(command) = command else {
                break;
            };
            let Some(outcome) = self.answer(&mut session, &command) else {
                break;
            };
            packets.write_outcome(&outcome).await?;
            packets.flush().await?;
        }
        Ok(())
    }

    fn log_in(&self, id: u32, name: &str, salt: &[u8], response: &[u8]) -> SqlResult<Session> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = Identity::of(name);
        let user = store
            .state
            .users
            .get(&identity)
            .filter(|user| match &user.password {
                Some(password) => password.accepts(salt, response),
                None => response.is_empty(),
            });
        let user = user.ok_or_else(|| SqlError::login(name, !response.is_empty()))?;
        Ok(Session::new(id, identity, user.active_at_login()))
    }

    /// Returns the answer to a command, or `None` if the command ends the connection.
    fn answer(&self, session: &mut Session, command: &[u8]) -> Option<SqlResult<Answer>> {
        let (code, argument) = command.split_first()?;
        Some(match code {
            // COM_QUIT
            0x01 => return None,
            // COM_INIT_DB
            0x02 => self.use_database(session, argument),
            // COM_QUERY
            0x03 => self.execute(session, &String::from_utf8_lossy(argument)),
            // COM_PING
            0x0E => Ok(Answer::Done(0)),
            // COM_STMT_PREPARE
            0x16 => Err(SqlError::prepared_statement()),
            _ => Err(SqlError::unknown_command()),
        })
    }

    fn use_database(&self, session: &mut Session, name: &[u8]) -> SqlResult<Answer> {
        let name = String::from_utf8_lossy(name);
        let parts: Vec<_> = name.split('.').map(|part| format!("`{part}`")).collect();
        self.execute(session, &format!("USE {}", parts.join(".")))
    }

    fn execute(&self, session: &mut Session, text: &str) -> SqlResult<Answer> {
        self.sessions.record(session, text);
        let statement = grammar::parse(text)?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let reads = statement.only_reads();
        let sessions = &self.sessions;
        let answer = Execution {
            state: &mut store.state,
            session,
            sessions,
        }
        .execute(statement)?;
        if !reads {
            let kept = store.save();
            kept.map_err(|error| SqlError::general(format!("can't keep the change: {error:#}")))?;
        }
        Ok(answer)
    }
}

/// Removes a connection from the list when dropped.
struct Listed<'a> {
    id: u32,
    sessions: &'a Sessions,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.sessions.remove(self.id);
    }
}

fn greeting(id: u32, salt: &[u8; 20]) -> HandshakePacket<'static> {
    let (first, second) = salt.split_at(8);
    let mut first_part = [0; 8];
    first_part.copy_from_slice(first);
    HandshakePacket::new(
        10,
        MYSQL_VERSION.as_bytes(),
        id,
        first_part,
        Some([second, &[0]].concat()),
        CAPABILITIES,
        COLLATION,
        StatusFlags::SERVER_STATUS_AUTOCOMMIT,
        Some(NATIVE.as_bytes()),
    )
}

/// Returns 20 random printable characters; the protocol terminates the salt with a zero.
fn salt() -> Result<[u8; 20]> {
    let mut salt = [0; 20];
    SystemRandom::new()
        .fill(&mut salt)
        .ok()
        .context("no random numbers")?;
    Ok(salt.map(|byte| byte % 93 + b'!'))
}

fn parsed<'a, T: MyDeserialize<'a, Ctx = ()>>(packet: &'a [u8]) -> io::Result<T> {
    T::deserialize((), &mut ParseBuf(packet))
}
