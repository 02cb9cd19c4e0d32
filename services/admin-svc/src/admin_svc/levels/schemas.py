"""The answer of the operation on levels."""

from marshmallow import fields

from shared.answer_schemas import AnswerSchema


class LevelSchema(AnswerSchema):
    """A level, and the private label that reaches it."""

    id = fields.Integer()
    key = fields.String()
    value = fields.String()
