//! What a scenario is run with, one after another: each codec over each bus.

use clap::{Args, ValueEnum};
use hallway_protocol::Codec;

/// All that is asked for.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// The codecs of all sockets; several are measured one after another.
    #[arg(long, global = true, value_enum, value_delimiter = ',', default_value = "json")]
    codec: Vec<CodecName>,
    /// What broadcasts go through, where a scenario can run over either; several are measured one after another.
    #[arg(long, global = true, value_enum, value_delimiter = ',', default_value = "embedded")]
    bus: Vec<BusName>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) codec: Codec,
    pub(crate) bus: BusName,
}

/// What connects nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BusName {
    /// The bus inside of a node that is alone.
    Embedded,
    /// A Redis of the run's own.
    Redis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CodecName {
    Json,
    Msgpack,
}

impl Settings {
    /// Each codec over each bus, in the order that they were asked for.
    pub(crate) fn all(&self) -> Vec<Setting> {
        let over = |codec: CodecName| {
            let codec = codec.codec();
            self.bus.iter().map(move |bus| Setting { codec, bus: *bus })
        };
        self.codec.iter().copied().flat_map(over).collect()
    }

    /// The first of them. There is one: clap takes no empty list.
    pub(crate) fn first(&self) -> Setting {
        Setting {
            codec: self.codec.first().map_or(Codec::Json, |codec| codec.codec()),
            bus: self.bus.first().copied().unwrap_or(BusName::Embedded),
        }
    }

    /// The same with one alone.
    pub(crate) fn only(setting: Setting) -> Self {
        let codec = match setting.codec {
            Codec::Json => CodecName::Json,
            Codec::Msgpack => CodecName::Msgpack,
        };
        Self {
            codec: vec![codec],
            bus: vec![setting.bus],
        }
    }
}

impl BusName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Redis => "redis",
        }
    }
}

impl CodecName {
    const fn codec(self) -> Codec {
        match self {
            Self::Json => Codec::Json,
            Self::Msgpack => Codec::Msgpack,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn all(args: &[&str]) -> Vec<(&'static str, &'static str)> {
        let line = Line::parse_from(std::iter::once(&"loadgen").chain(args));
        let all = line.settings.all();
        assert_eq!(all[0], line.settings.first());
        let names = all.iter().map(|one| (one.codec.name(), one.bus.name()));
        assert!(all.iter().all(|one| Settings::only(*one).all() == [*one]));
        names.collect()
    }

    #[test]
    fn every_codec_goes_over_every_bus() {
        assert_eq!(all(&[]), [("json", "embedded")]);
        assert_eq!(
            all(&["--codec=msgpack,json", "--bus=embedded,redis"]),
            [
                ("msgpack", "embedded"),
                ("msgpack", "redis"),
                ("json", "embedded"),
                ("json", "redis")
            ]
        );
    }
}
