//! Messages for the user, shown once: levels, categories, tags.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How important a message is; Django's numbers, and any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub u16);

impl Level {
    /// For developers.
    pub const DEBUG: Self = Self(10);
    /// For everybody; the default minimum.
    pub const INFO: Self = Self(20);
    /// Something worked.
    pub const SUCCESS: Self = Self(25);
    /// Something may go wrong.
    pub const WARNING: Self = Self(30);
    /// Something went wrong.
    pub const ERROR: Self = Self(40);

    /// The five known levels with their tags, for templates.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::DEBUG, "debug"),
        (Self::INFO, "info"),
        (Self::SUCCESS, "success"),
        (Self::WARNING, "warning"),
        (Self::ERROR, "error"),
    ];

    /// The tag of a known level; empty for others.
    #[must_use]
    pub fn tag(self) -> &'static str {
        let known = Self::ALL.iter().find(|(level, _)| *level == self);
        known.map_or("", |(_, tag)| tag)
    }
}

/// The category of messages that name none, as in Flask.
pub const DEFAULT_CATEGORY: &str = "message";

/// A message for the user.
///
/// ```
/// use sessile::session::{Level, Message};
///
/// let saved = Message::new(Level::SUCCESS, "Saved").titled("Profile").tagged("toast");
/// assert_eq!(saved.tags(), "toast success");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How important it is.
    pub level: Level,
    /// What it says; plain text, to be escaped where it is shown.
    pub body: String,
    /// What stands above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Free text to choose messages by: Flask's category, tipfy's level.
    #[serde(default = "default_category", skip_serializing_if = "is_default")]
    pub category: String,
    /// For how long it should be shown: a hint for whoever shows it, nothing ends by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Duration>,
    /// More tags for whoever shows it, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra_tags: String,
}

impl Message {
    /// Makes a message of the category `message` with neither title nor hints.
    #[must_use]
    pub fn new(level: Level, body: impl Into<String>) -> Self {
        Self {
            level,
            body: body.into(),
            title: None,
            category: default_category(),
            life: None,
            extra_tags: String::new(),
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn in_category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }

    /// Sets for how long it should be shown.
    #[must_use]
    pub fn living(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    /// Sets the extra tags.
    #[must_use]
    pub fn tagged(mut self, extra_tags: impl Into<String>) -> Self {
        self.extra_tags = extra_tags.into();
        self
    }

    /// The extra tags and the level's tag, separated by a space.
    #[must_use]
    pub fn tags(&self) -> String {
        self.tags_by(Level::tag)
    }

    /// The extra tags and the tag that `name` gives the level.
    #[must_use]
    pub fn tags_by<'a>(&self, name: impl FnOnce(Level) -> &'a str) -> String {
        match (&*self.extra_tags, name(self.level)) {
            ("", tag) => tag.to_owned(),
            (extra, "") => extra.to_owned(),
            (extra, tag) => format!("{extra} {tag}"),
        }
    }
}

/// Level and category; the text may be private.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("level", &self.level)
            .field("category", &self.category)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn default_category() -> String {
    DEFAULT_CATEGORY.to_owned()
}

fn is_default(category: &String) -> bool {
    category == DEFAULT_CATEGORY
}
