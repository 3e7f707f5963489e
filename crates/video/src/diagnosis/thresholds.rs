//! The numbers of the diagnosis in one table.

/// From when on something is called by its name. Luma is 0 to 255, shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// One key frame is decoded each so many seconds.
    pub look_s: f64,
    /// And this soon when something is suspected.
    pub early_look_s: f64,
    /// Looks that agree before a condition is raised.
    pub raise_looks: u32,
    /// Looks without it before it ends.
    pub clear_looks: u32,
    /// It stands at least this long: a flapping picture is one alarm.
    pub hold_s: f64,
    /// No frame for so long is a stall; a slow camera is given three of its own frame intervals.
    pub silence_s: f64,
    /// 19 of 20 pixels are at most this dark.
    pub black_p95_max: u8,
    /// 19 of 20 pixels are at least this bright.
    pub white_p05_min: u8,
    /// This share of the pixels has one luma, give or take one: no sensor is that quiet.
    pub placard_share_min: f32,
    /// Key frames with identical luma in succession.
    pub frozen_looks: u32,
    /// Key frames repeat their size within this share.
    pub still_key_share: f64,
    /// Frames between key frames shrink below this share of the key frame.
    pub still_frame_share: f64,
    /// Good looks from which a place is learned.
    pub learn_looks: u32,
    /// Weight of a later good look in what is known of the place: at a look in 30 s half of it is renewed in three hours.
    pub learn_weight: f32,
    /// This share of the cells that had detail lost it.
    pub lost_share_min: f32,
    /// Blurred: brightness over the picture is still that of the place (correlation).
    pub blurred_likeness_min: f32,
    /// Occluded: it no longer is.
    pub occluded_likeness_max: f32,
    /// Shifted: shapes agree so well with the place when moved …
    pub shifted_match_min: f32,
    /// … and so much better than unmoved.
    pub shifted_gain_min: f32,
    /// A key frame below this share of the usual size calls for a look.
    pub odd_key_share: f64,
}

/// What is used unless a deployment says otherwise. Source: the measurements of the labelled run; confidence: medium, they
/// were made on simulated scenes.
pub const THRESHOLDS: Thresholds = Thresholds {
    look_s: 30.0,
    early_look_s: 2.0,
    raise_looks: 3,
    clear_looks: 3,
    hold_s: 60.0,
    silence_s: 3.0,
    black_p95_max: 40,
    white_p05_min: 220,
    placard_share_min: 0.85,
    frozen_looks: 3,
    still_key_share: 0.01,
    still_frame_share: 0.02,
    learn_looks: 4,
    learn_weight: 0.002,
    lost_share_min: 0.5,
    blurred_likeness_min: 0.88,
    occluded_likeness_max: 0.8,
    shifted_match_min: 0.5,
    shifted_gain_min: 0.2,
    odd_key_share: 0.5,
};
