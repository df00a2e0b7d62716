//! Which fields a request may have, and of which kind: the closed schema of the interface, as far as requests go.
//!
//! Owns: the table. Does not: check (see [`super::check`]). A test holds it against Google's own description where that is at
//! hand.

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything at all.
    Any,
    /// A string.
    Text,
    /// Base64 in a string.
    Bytes,
    /// Seconds in a string (`1.5s`).
    Span,
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits, also in a string.
    Int32,
    /// A whole number of 64 bits, also in a string.
    Int64,
    /// A number.
    Number,
    /// One of these words, in any case, or its position.
    Word(&'static [&'static str]),
    /// An object with these fields.
    Message(&'static str),
    /// A list of such values.
    List(&'static Kind),
    /// An object with any names and such values.
    Map(&'static Kind),
}

use Kind::{Any, Bool, Bytes, Int32, Int64, List, Map, Message, Number, Span, Text, Word};

/// A kind of object.
pub(super) struct Type {
    pub(super) name: &'static str,
    /// In lowerCamelCase; snake_case is accepted, too.
    pub(super) fields: &'static [(&'static str, Kind)],
    /// Fields that have to be there.
    pub(super) required: &'static [&'static str],
}

const fn of(name: &'static str, required: &'static [&'static str], fields: &'static [(&'static str, Kind)]) -> Type {
    Type { name, fields, required }
}

/// The type that is called `name`.
pub(super) fn type_of(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|one| one.name == name)
}

const STRUCT: Kind = Map(&Any);
const TEXTS: Kind = List(&Text);
const CONTENTS: Kind = List(&Message("Content"));
const SCHEMA: Kind = Message("Schema");
const EMPTY: &[(&str, Kind)] = &[];

const TYPE: Kind = Word(&["TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"]);

const CATEGORY: Kind = Word(&[
    "HARM_CATEGORY_UNSPECIFIED",
    "HARM_CATEGORY_DEROGATORY",
    "HARM_CATEGORY_TOXICITY",
    "HARM_CATEGORY_VIOLENCE",
    "HARM_CATEGORY_SEXUAL",
    "HARM_CATEGORY_MEDICAL",
    "HARM_CATEGORY_DANGEROUS",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
    "HARM_CATEGORY_JAILBREAK",
]);

const THRESHOLD: Kind = Word(&[
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
]);

const RESOLUTION: Kind = Word(&[
    "MEDIA_RESOLUTION_UNSPECIFIED",
    "MEDIA_RESOLUTION_LOW",
    "MEDIA_RESOLUTION_MEDIUM",
    "MEDIA_RESOLUTION_HIGH",
    "MEDIA_RESOLUTION_ULTRA_HIGH",
]);

/// For a whole request; a single part knows a higher one.
const REQUEST_RESOLUTION: Kind =
    Word(&["MEDIA_RESOLUTION_UNSPECIFIED", "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH"]);

const LEVEL: Kind = Word(&["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]);

const OUTCOME: Kind = Word(&["OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"]);

const CALLING_MODE: Kind = Word(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]);

/// Every type that a request can hold.
pub(super) const TYPES: &[Type] = &[
    of(
        "GenerateContentRequest",
        &["model", "contents"],
        &[
            ("cachedContent", Text),
            ("contents", CONTENTS),
            ("continuationToken", Bytes),
            ("generationConfig", Message("GenerationConfig")),
            ("labels", Map(&Text)),
            ("model", Text),
            ("safetySettings", List(&Message("SafetySetting"))),
            ("serviceTier", Word(&["unspecified", "standard", "flex", "priority"])),
            ("store", Bool),
            ("systemInstruction", Message("Content")),
            ("toolConfig", Message("ToolConfig")),
            ("tools", List(&Message("Tool"))),
        ],
    ),
    of(
        "CountTokensRequest",
        &[],
        &[("contents", CONTENTS), ("generateContentRequest", Message("GenerateContentRequest"))],
    ),
    of("Content", &[], &[("parts", List(&Message("Part"))), ("role", Text)]),
    of(
        "Part",
        &[],
        &[
            ("codeExecutionResult", Message("CodeExecutionResult")),
            ("executableCode", Message("ExecutableCode")),
            ("fileData", Message("FileData")),
            ("functionCall", Message("FunctionCall")),
            ("functionResponse", Message("FunctionResponse")),
            ("inlineData", Message("Blob")),
            ("mediaResolution", Message("MediaResolution")),
            ("partMetadata", STRUCT),
            ("text", Text),
            ("thought", Bool),
            ("thoughtSignature", Bytes),
            ("toolCall", Message("ToolCall")),
            ("toolResponse", Message("ToolResponse")),
            ("videoMetadata", Message("VideoMetadata")),
        ],
    ),
    of("Blob", &[], &[("data", Bytes), ("mimeType", Text)]),
    of("FileData", &["fileUri"], &[("fileUri", Text), ("mimeType", Text)]),
    of("FunctionCall", &["name"], &[("args", STRUCT), ("id", Text), ("name", Text)]),
    of(
        "FunctionResponse",
        &["name", "response"],
        &[
            ("id", Text),
            ("name", Text),
            ("parts", List(&Message("FunctionResponsePart"))),
            ("response", STRUCT),
            ("scheduling", Word(&["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"])),
            ("willContinue", Bool),
        ],
    ),
    of("FunctionResponsePart", &[], &[("inlineData", Message("FunctionResponseBlob"))]),
    of("FunctionResponseBlob", &[], &[("data", Bytes), ("mimeType", Text)]),
    of(
        "ExecutableCode",
        &["language", "code"],
        &[("code", Text), ("language", Word(&["LANGUAGE_UNSPECIFIED", "PYTHON"]))],
    ),
    of("CodeExecutionResult", &["outcome"], &[("outcome", OUTCOME), ("output", Text)]),
    of("MediaResolution", &[], &[("level", RESOLUTION)]),
    of("ToolCall", &["toolType"], &[("args", STRUCT), ("id", Text), ("toolName", Text), ("toolType", Text)]),
    of("ToolResponse", &["toolType"], &[("id", Text), ("response", STRUCT), ("toolType", Text)]),
    of("VideoMetadata", &[], &[("endOffset", Span), ("fps", Number), ("startOffset", Span)]),
    of("SafetySetting", &["category", "threshold"], &[("category", CATEGORY), ("threshold", THRESHOLD)]),
    of(
        "GenerationConfig",
        &[],
        &[
            ("_responseJsonSchema", Any),
            ("audioTranscriptionConfig", STRUCT),
            ("candidateCount", Int32),
            ("enableEnhancedCivicAnswers", Bool),
            ("frequencyPenalty", Number),
            ("imageConfig", Message("ImageConfig")),
            ("logprobs", Int32),
            ("maxOutputTokens", Int32),
            ("mediaResolution", REQUEST_RESOLUTION),
            ("presencePenalty", Number),
            ("responseFormat", Message("ResponseFormatConfig")),
            ("responseJsonSchema", Any),
            ("responseLogprobs", Bool),
            ("responseMimeType", Text),
            ("responseModalities", List(&Word(&["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"]))),
            ("responseSchema", SCHEMA),
            ("seed", Int32),
            ("speechConfig", Message("SpeechConfig")),
            ("stopSequences", TEXTS),
            ("temperature", Number),
            ("thinkingConfig", Message("ThinkingConfig")),
            ("topK", Int32),
            ("topP", Number),
        ],
    ),
    of("ThinkingConfig", &[], &[("includeThoughts", Bool), ("thinkingBudget", Int32), ("thinkingLevel", LEVEL)]),
    of("ImageConfig", &[], &[("aspectRatio", Text), ("imageSize", Text)]),
    of("ResponseFormatConfig", &[], &[("audio", STRUCT), ("image", STRUCT), ("text", Message("ResponseTextFormat"))]),
    of(
        "ResponseTextFormat",
        &[],
        &[("mimeType", Word(&["MIME_TYPE_UNSPECIFIED", "APPLICATION_JSON", "TEXT_PLAIN"])), ("schema", Any)],
    ),
    of(
        "SpeechConfig",
        &[],
        &[
            ("languageCode", Text),
            ("multiSpeakerVoiceConfig", Message("MultiSpeakerVoiceConfig")),
            ("voiceConfig", Message("VoiceConfig")),
        ],
    ),
    of(
        "MultiSpeakerVoiceConfig",
        &["speakerVoiceConfigs"],
        &[("speakerVoiceConfigs", List(&Message("SpeakerVoiceConfig")))],
    ),
    of(
        "SpeakerVoiceConfig",
        &["speaker", "voiceConfig"],
        &[("speaker", Text), ("voiceConfig", Message("VoiceConfig"))],
    ),
    of("VoiceConfig", &[], &[("prebuiltVoiceConfig", Message("PrebuiltVoiceConfig"))]),
    of("PrebuiltVoiceConfig", &[], &[("voiceName", Text)]),
    of(
        "ToolConfig",
        &[],
        &[
            ("functionCallingConfig", Message("FunctionCallingConfig")),
            ("includeServerSideToolInvocations", Bool),
            ("retrievalConfig", Message("RetrievalConfig")),
        ],
    ),
    of("FunctionCallingConfig", &[], &[("allowedFunctionNames", TEXTS), ("mode", CALLING_MODE)]),
    of("RetrievalConfig", &[], &[("languageCode", Text), ("latLng", Message("LatLng"))]),
    of("LatLng", &[], &[("latitude", Number), ("longitude", Number)]),
    of(
        "Tool",
        &[],
        &[
            ("codeExecution", Message("CodeExecution")),
            ("computerUse", Message("ComputerUse")),
            ("fileSearch", Message("FileSearch")),
            ("functionDeclarations", List(&Message("FunctionDeclaration"))),
            ("googleMaps", Message("GoogleMaps")),
            ("googleSearch", Message("GoogleSearch")),
            ("googleSearchRetrieval", Message("GoogleSearchRetrieval")),
            ("mcpServers", List(&Message("McpServer"))),
            ("urlContext", Message("UrlContext")),
        ],
    ),
    of("CodeExecution", &[], EMPTY),
    of("UrlContext", &[], EMPTY),
    of(
        "ComputerUse",
        &["environment"],
        &[
            ("environment", Word(&["ENVIRONMENT_UNSPECIFIED", "ENVIRONMENT_BROWSER"])),
            ("excludedPredefinedFunctions", TEXTS),
        ],
    ),
    of(
        "FileSearch",
        &["fileSearchStoreNames"],
        &[("fileSearchStoreNames", TEXTS), ("metadataFilter", Text), ("topK", Int32)],
    ),
    of(
        "FunctionDeclaration",
        // The interface's own description says that it needs a description, too, and the service does not mind.
        &["name"],
        &[
            ("behavior", Word(&["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"])),
            ("description", Text),
            ("name", Text),
            ("parameters", SCHEMA),
            ("parametersJsonSchema", Any),
            ("response", SCHEMA),
            ("responseJsonSchema", Any),
        ],
    ),
    of(
        "Schema",
        // `type` is said to be required, too, and is not.
        &[],
        &[
            ("anyOf", List(&SCHEMA)),
            ("default", Any),
            ("description", Text),
            ("enum", TEXTS),
            ("example", Any),
            ("format", Text),
            ("items", SCHEMA),
            ("maxItems", Int64),
            ("maxLength", Int64),
            ("maxProperties", Int64),
            ("maximum", Number),
            ("minItems", Int64),
            ("minLength", Int64),
            ("minProperties", Int64),
            ("minimum", Number),
            ("nullable", Bool),
            ("pattern", Text),
            ("properties", Map(&SCHEMA)),
            ("propertyOrdering", TEXTS),
            ("required", TEXTS),
            ("title", Text),
            ("type", TYPE),
        ],
    ),
    of("GoogleMaps", &[], &[("enableWidget", Bool)]),
    of("GoogleSearch", &[], &[("timeRangeFilter", Message("Interval"))]),
    of("Interval", &[], &[("endTime", Text), ("startTime", Text)]),
    of("GoogleSearchRetrieval", &[], &[("dynamicRetrievalConfig", Message("DynamicRetrievalConfig"))]),
    of(
        "DynamicRetrievalConfig",
        &[],
        &[("dynamicThreshold", Number), ("mode", Word(&["MODE_UNSPECIFIED", "MODE_DYNAMIC"]))],
    ),
    of("McpServer", &[], &[("name", Text), ("streamableHttpTransport", Message("StreamableHttpTransport"))]),
    of(
        "StreamableHttpTransport",
        &[],
        &[
            ("headers", Map(&Text)),
            ("sseReadTimeout", Span),
            ("terminateOnClose", Bool),
            ("timeout", Span),
            ("url", Text),
        ],
    ),
];
